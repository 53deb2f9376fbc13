"""No platform: a person tries at a terminal what a pipeline will do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.adapters.forges.forge import NoCommentError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Terminal:
    """Nowhere to comment, and nobody to hand outputs to."""

    name: str = "none"
    since: str = ""
    commit: str = ""
    log: str = ""
    annotations: tuple[str, ...] = ()
    longest: int = 10**9

    def comment(self, text: str, key: str) -> str:  # noqa: ARG002 - as on every platform
        """There is nothing to comment on."""
        raise NoCommentError("there is no pull request here")

    def known_comment(self, key: str) -> bool:  # noqa: ARG002 - as on every platform
        """There is nothing to comment on."""
        raise NoCommentError("there is no pull request here")

    def publish(self, summary: str, outputs: Mapping[str, str]) -> None:
        """Nobody takes it."""

    def begin(self, title: str) -> str:
        """A line that begins a part of the log."""
        return f"== {title}"

    def end(self) -> str:
        """Nothing ends it."""
        return ""
