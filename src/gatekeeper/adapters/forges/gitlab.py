"""GitLab CI: what a job is told in its environment, notes over the REST API."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.forges.forge import MARKER, NoCommentError
from gatekeeper.adapters.forges.rest import Rest

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN: Final = "GATEKEEPER_COMMENT_TOKEN"
_NO_COMMIT: Final = "0" * 40
_FIX: Final = (
    f"put a project access token with the scope `api` into the masked variable {TOKEN}; the job's"
    " own token may not comment"
)
DOTENV: Final = 5_120
"""Bytes: GitLab refuses a larger file of variables, and the job with it."""


@dataclass(frozen=True, slots=True)
class GitLab:
    """One job of GitLab CI.

    Attributes:
        settings: The environment of the job.
    """

    settings: Mapping[str, str]
    name: str = "gitlab"
    annotations: tuple[str, ...] = ("gitlab={}/code-quality.json",)
    longest: int = 900_000

    @property
    def since(self) -> str:
        """What a merge request is against, or what was there before a push."""
        for name in ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "CI_COMMIT_BEFORE_SHA"):
            found = self.settings.get(name)
            if found and found != _NO_COMMIT:
                return found
        return ""

    @property
    def commit(self) -> str:
        """The head of a merge request, which people know, not the merge of it."""
        source = self.settings.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA")
        return source or self.settings.get("CI_COMMIT_SHA", "")

    @property
    def log(self) -> str:
        """The job in the web interface."""
        return self.settings.get("CI_JOB_URL", "")

    def comment(self, text: str, key: str) -> str:
        """Write the one note of a key, or write it anew; raises `NoCommentError`."""
        api, body = self._api(), {"body": f"{MARKER.format(key)}\n{text}"}
        known = self._find(api, key)
        if known is None:
            made = api.call("POST", self._notes, body)
        else:
            made = api.call("PUT", f"{self._notes}/{known['id']}", body)
        project = self.settings.get("CI_MERGE_REQUEST_PROJECT_URL", "")
        return f"{project}/-/merge_requests/{self._number}#note_{made['id']}"

    def known_comment(self, key: str) -> bool:
        """Whether there is a note of that key; raises `NoCommentError`."""
        return self._find(self._api(), key) is not None

    def publish(self, summary: str, outputs: Mapping[str, str]) -> None:  # noqa: ARG002 - as on every platform
        """Outputs as a file of the reports, for `artifacts: reports: dotenv`."""
        kept = {f"GATEKEEPER_{name.upper()}": value for name, value in outputs.items()}
        while len(_dotenv(kept)) > DOTENV:
            kept[max(kept, key=lambda name: len(kept[name].encode()))] = ""
        (Path(outputs["reports"]) / "outputs.env").write_bytes(_dotenv(kept))

    def begin(self, title: str) -> str:
        """A line that begins a part of the log."""
        return f"== {title}"

    def end(self) -> str:
        """Nothing ends it."""
        return ""

    @property
    def _number(self) -> str:
        number = self.settings.get("CI_MERGE_REQUEST_IID")
        if not number:
            raise NoCommentError("this job is not of a merge request")
        return number

    @property
    def _notes(self) -> str:
        # A merge request is of the project that it goes to; a job may run in a fork of it.
        project = self.settings.get("CI_MERGE_REQUEST_PROJECT_ID") or self.settings["CI_PROJECT_ID"]
        return f"/projects/{project}/merge_requests/{self._number}/notes"

    def _api(self) -> Rest:
        token = self.settings.get(TOKEN)
        if not token:
            raise NoCommentError("there is no token to comment with", fix=_FIX)
        root = self.settings.get("CI_API_V4_URL", "https://gitlab.com/api/v4")
        return Rest(root, {"PRIVATE-TOKEN": token})

    def _find(self, api: Rest, key: str) -> Mapping[str, Any] | None:
        """Our note: somebody else's that begins the same is left alone."""
        marker = MARKER.format(key)
        found = [one for one in api.pages(self._notes) if one["body"].startswith(marker)]
        if not found:
            return None
        ours = api.call("GET", "/user")["id"]
        return next((one for one in found if one["author"]["id"] == ours), None)


def _dotenv(values: Mapping[str, str]) -> bytes:
    """A line each; one that has a line break could name another variable."""
    lines = (f"{name}={' '.join(value.splitlines())}" for name, value in values.items())
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")
