"""GitHub Actions: what a job is told in its environment, comments over the REST API."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.forges.forge import MARKER, NoCommentError
from gatekeeper.adapters.forges.rest import Rest

if TYPE_CHECKING:
    from collections.abc import Mapping

_NO_COMMIT: Final = "0" * 40
_FIX: Final = (
    "the job needs `permissions: pull-requests: write` and its token in GITHUB_TOKEN; pull requests"
    " from forks have neither"
)


@dataclass(frozen=True, slots=True)
class GitHub:
    """One job of GitHub Actions.

    Attributes:
        settings: The environment of the job.
    """

    settings: Mapping[str, str]
    name: str = "github"
    annotations: tuple[str, ...] = ("github=-",)
    longest: int = 65_000

    @property
    def since(self) -> str:
        """What a pull request is against, or what was there before a push."""
        event = self._event
        for found in (
            event.get("pull_request", {}).get("base", {}).get("sha"),
            event.get("merge_group", {}).get("base_sha"),
            event.get("before"),
        ):
            if found and found != _NO_COMMIT:
                return str(found)
        return ""

    @property
    def commit(self) -> str:
        """The head of a pull request, which people know, and not the merge that is checked out."""
        head = self._event.get("pull_request", {}).get("head", {}).get("sha")
        return str(head or self.settings.get("GITHUB_SHA", ""))

    @property
    def log(self) -> str:
        """The run in the web interface."""
        parts = [self.settings.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY")]
        run = self.settings.get("GITHUB_RUN_ID")
        return "/".join([*parts, "actions/runs", run]) if run and all(parts) else ""

    def comment(self, text: str, key: str) -> str:
        """Write the one comment of a key, or write it anew; raises `NoCommentError`."""
        api, body = self._api(), {"body": f"{MARKER.format(key)}\n{text}"}
        known = self._find(api, key)
        if known is None:
            made = api.call("POST", f"{self._issue}/comments", body)
        else:
            made = api.call("PATCH", f"{self._repository}/issues/comments/{known['id']}", body)
        return str(made["html_url"])

    def known_comment(self, key: str) -> bool:
        """Whether there is a comment of that key; raises `NoCommentError`."""
        return self._find(self._api(), key) is not None

    def publish(self, summary: str, outputs: Mapping[str, str]) -> None:
        """The summary of the step, and its outputs."""
        self._append("GITHUB_STEP_SUMMARY", summary + "\n")
        for name, value in outputs.items():
            end = f"end-{secrets.token_hex(8)}"  # a value cannot end itself and begin another
            self._append("GITHUB_OUTPUT", f"{name}<<{end}\n{value}\n{end}\n")

    def begin(self, title: str) -> str:
        """A line that begins a part of the log."""
        return f"::group::{title.translate({10: ' ', 13: ' '})}"

    def end(self) -> str:
        """A line that ends it."""
        return "::endgroup::"

    @property
    def _event(self) -> dict[str, Any]:
        try:
            found = json.loads(Path(self.settings["GITHUB_EVENT_PATH"]).read_bytes())
        except (KeyError, OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def _repository(self) -> str:
        return f"/repos/{self.settings.get('GITHUB_REPOSITORY', '')}"

    @property
    def _issue(self) -> str:
        number = self._event.get("pull_request", {}).get("number")
        if number is None:
            raise NoCommentError("this job is not of a pull request")
        return f"{self._repository}/issues/{number}"

    def _api(self) -> Rest:
        token = self.settings.get("GITHUB_TOKEN")
        if not token:
            raise NoCommentError("there is no token to comment with", fix=_FIX)
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        return Rest(self.settings.get("GITHUB_API_URL", "https://api.github.com"), headers)

    def _find(self, api: Rest, key: str) -> Mapping[str, Any] | None:
        """Our comment: somebody else's that begins the same is left alone."""
        marker = MARKER.format(key)
        found = [
            one for one in api.pages(f"{self._issue}/comments") if one["body"].startswith(marker)
        ]
        if not found:
            return None
        ours = _writer(api)
        return next((one for one in found if _wrote(one, ours)), None)

    def _append(self, variable: str, text: str) -> None:
        if path := self.settings.get(variable):
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(text)


def _writer(api: Rest) -> str:
    """Whom the token belongs to; empty for a job's own, which may not ask."""
    try:
        return str(api.call("GET", "/user")["login"])
    except NoCommentError:
        return ""


def _wrote(comment: Mapping[str, Any], login: str) -> bool:
    user = comment.get("user") or {}
    return user.get("login") == login if login else user.get("type") == "Bot"
