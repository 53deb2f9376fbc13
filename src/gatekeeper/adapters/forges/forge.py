"""What gatekeeper needs of the platform that a pipeline runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from gatekeeper.errors import GatekeeperError

if TYPE_CHECKING:
    from collections.abc import Mapping

MARKER: Final = "<!-- gatekeeper ci: {} -->"
"""The first line of a comment; the next run finds it again by that."""


class NoCommentError(GatekeeperError):
    """A comment cannot be written; that is told, and changes no verdict."""

    code = "no-comment"


class Forge(Protocol):
    """A platform, as one job of it sees it."""

    @property
    def name(self) -> str:
        """`github`, `gitlab` or `none`."""
        ...

    @property
    def since(self) -> str:
        """The commit that the change is against; empty where the platform does not say."""
        ...

    @property
    def commit(self) -> str:
        """The commit that is judged; empty where the platform does not say."""
        ...

    @property
    def log(self) -> str:
        """The address of this job's log; empty where there is none."""
        ...

    @property
    def annotations(self) -> tuple[str, ...]:
        """Reports that the platform shows by itself, as `evaluate --report` takes them."""
        ...

    @property
    def longest(self) -> int:
        """Characters that a comment may have."""
        ...

    def comment(self, text: str, key: str) -> str:
        """Write the one comment of a key, or write it anew; returns its address.

        Raises:
            NoCommentError: There is nothing to comment on, or it is not allowed.
        """
        ...

    def known_comment(self, key: str) -> bool:
        """Whether there is a comment of that key; raises `NoCommentError`."""
        ...

    def publish(self, summary: str, outputs: Mapping[str, str]) -> None:
        """Hand a summary, and values for later steps, to the platform."""
        ...

    def begin(self, title: str) -> str:
        """A line that begins a part of the log."""
        ...

    def end(self) -> str:
        """A line that ends it; empty where there is none."""
        ...
