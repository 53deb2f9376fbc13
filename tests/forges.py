"""Local servers that keep the comments of one pull request, as GitHub and as GitLab do."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

PER_PAGE = 100


@dataclass
class Comments:
    """What is on the pull request, and every call that was made.

    Attributes:
        kept: The comments, in the form of the platform.
        calls: Method and path of each call.
        tokens: What the calls were signed with.
        refuse: Methods that are answered with a status, such as 403.
    """

    address: str = ""
    kept: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    refuse: dict[str, list[int]] = field(default_factory=dict)

    @property
    def bodies(self) -> list[str]:
        return [one["body"] for one in self.kept]

    @property
    def written(self) -> list[str]:
        """The calls that wrote."""
        return [one for one in self.calls if not one.startswith("GET")]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    comments: Comments

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def _answer(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", f"{self.comments.address}/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _any(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"null")
        self.comments.calls.append(f"{self.command} {parts.path}")
        self.comments.tokens.add(
            self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or ""
        )
        refusals = self.comments.refuse.get(self.command, [])
        if refusals:
            self._answer(refusals.pop(0), {"message": "not here"})
        else:
            self._answer(*self.reply(parts.path, parse_qs(parts.query), body))

    do_GET = do_POST = do_PATCH = do_PUT = _any  # noqa: N815 - as http.server calls them

    def reply(self, path: str, query: Any, body: Any) -> tuple[int, Any]:
        raise NotImplementedError

    def page(self, query: Any) -> list[dict[str, Any]]:
        number, size = int(query["page"][0]), int(query["per_page"][0])
        assert size == PER_PAGE
        return self.comments.kept[(number - 1) * size : number * size]

    def edit(self, path: str, body: Any) -> dict[str, Any]:
        number = int(path.rsplit("/", 1)[1])
        (found,) = [one for one in self.comments.kept if one["id"] == number]
        found["body"] = body["body"]
        return found


class GitHubHandler(_Handler):
    def reply(self, path: str, query: Any, body: Any) -> tuple[int, Any]:
        if path == "/user":  # what the token of a job is told
            return 403, {"message": "Resource not accessible by integration"}
        if path == "/repos/acme/desk/issues/7/comments":
            if self.command == "GET":
                return 200, self.page(query)
            self.comments.kept.append(github_comment(len(self.comments.kept) + 1, body["body"]))
            return 201, self.comments.kept[-1]
        if path.startswith("/repos/acme/desk/issues/comments/") and self.command == "PATCH":
            return 200, self.edit(path, body)
        return 404, {"message": "Not Found"}


class GitLabHandler(_Handler):
    def reply(self, path: str, query: Any, body: Any) -> tuple[int, Any]:
        if path == "/user":
            return 200, {"id": 42}
        if path == "/projects/11/merge_requests/7/notes":
            if self.command == "GET":
                return 200, self.page(query)
            self.comments.kept.append(gitlab_note(len(self.comments.kept) + 1, body["body"]))
            return 201, self.comments.kept[-1]
        if path.startswith("/projects/11/merge_requests/7/notes/") and self.command == "PUT":
            return 200, self.edit(path, body)
        return 404, {"message": "404 Not found"}


def github_comment(number: int, body: str, kind: str = "Bot") -> dict[str, Any]:
    url = f"https://github.example/acme/desk/pull/7#issuecomment-{number}"
    return {"id": number, "body": body, "html_url": url, "user": {"login": "x", "type": kind}}


def gitlab_note(number: int, body: str, author: int = 42) -> dict[str, Any]:
    return {"id": number, "body": body, "author": {"id": author}}


@contextmanager
def forge_server(handler: type[_Handler]) -> Iterator[Comments]:
    """A server on a port of this machine, for the length of the block."""
    comments = Comments()
    bound = type("Bound", (handler,), {"comments": comments})
    with ThreadingHTTPServer(("127.0.0.1", 0), bound) as server:
        server.daemon_threads = True
        comments.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield comments
        finally:
            server.shutdown()
            thread.join()
