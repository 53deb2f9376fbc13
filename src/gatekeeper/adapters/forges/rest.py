"""JSON over HTTP, as much of it as a comment needs."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.forges.forge import NoCommentError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PATIENCE_S: Final = 20.0
PAUSES_S: Final = (1.0, 3.0)
"""Before another attempt, where repeating a call does no harm."""
PER_PAGE: Final = 100
MOST_PAGES: Final = 50
_SOME_SECONDS: Final = frozenset({429, 500, 502, 503, 504})


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token to wherever it leads."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none: the answer stays the redirect, which is then refused."""


@dataclass(frozen=True, slots=True)
class Rest:
    """One API.

    Attributes:
        root: Its address.
        headers: Sent with every call, the token among them.
        pauses: Seconds before each further attempt.
    """

    root: str
    headers: Mapping[str, str] = field(repr=False)
    pauses: tuple[float, ...] = PAUSES_S

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer to one call; raises `NoCommentError`, which never holds the token."""
        pauses = () if method == "POST" else self.pauses
        for pause in pauses:
            try:
                return self._once(method, path, body)
            except _AgainError:
                time.sleep(pause)
        try:
            return self._once(method, path, body)
        except _AgainError as error:
            raise NoCommentError(error.what, where=error.where) from None

    def pages(self, path: str) -> Iterator[Mapping[str, Any]]:
        """The items of every page of a list."""
        for page in range(1, MOST_PAGES + 1):
            found = self.call("GET", f"{path}?per_page={PER_PAGE}&page={page}")
            yield from found
            if len(found) < PER_PAGE:
                return

    def _once(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        where = f"{method} {self.root}{path}"
        if not self.root.startswith(("https://", "http://")):
            raise NoCommentError("is not the address of an API", where=self.root)
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "gatekeeper", **self.headers}
        request = urllib.request.Request(self.root + path, data, headers, method=method)  # noqa: S310 - checked above
        try:
            with urllib.request.build_opener(_NoRedirect).open(
                request, timeout=PATIENCE_S
            ) as found:
                return json.loads(found.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                kind = _AgainError if error.code in _SOME_SECONDS else NoCommentError
                raise kind(f"answered {error.code} {_reason(error)}", where=where) from None
        except (OSError, ValueError) as error:
            raise _AgainError(f"did not answer: {error}", where=where) from None


class _AgainError(NoCommentError):
    """The same call may succeed a moment later."""


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        found = json.loads(error.read(10_000))["message"]
    except (OSError, ValueError, KeyError, TypeError):
        found = error.reason
    return str(found)[:200]
