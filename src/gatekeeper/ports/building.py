"""What a manifest refers to, and what of it was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatekeeper.errors import Problem
    from gatekeeper.model.components import FileDigest
    from gatekeeper.model.manifest import ModelSource


@dataclass(frozen=True, slots=True)
class FoundModel:
    """What a model source of a manifest turned out to be on this machine.

    Attributes:
        location: Where it is, for a release's build record: a directory of the project,
            ``hf:REPO@REVISION`` or ``endpoint:NAME``.
        root: Its directory; None for a hosted model.
        files: Every file that is part of it, by path.
        config: `config.json`, or nothing.
    """

    location: str
    root: Path | None = None
    files: tuple[FileDigest, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model on this machine: verified files under `root`."""

    root: Path
    digest: str
    files: Mapping[str, str] = field(default_factory=dict)
    """Relative path to sha256."""


class Content(Protocol):
    """An authored file: what is in it, and where."""

    @property
    def value(self) -> Any:
        """The content, checked against a type."""
        ...

    def problem(
        self,
        key_path: tuple[str | int, ...],
        message: str,
        accepted: str = "",
        nearest: str = "",
    ) -> Problem:
        """A problem with the value at `key_path`, at its line and column."""
        ...


class Sources(Protocol):
    """What a manifest refers to, read safely; errors are `UsageError` or `InputError`."""

    def text(self, file: str) -> str:
        """A text file of the project."""
        ...

    def value(self, file: str, kind: Any) -> Content:
        """A YAML or JSON file of the project, as a type."""
        ...

    def snapshot(self, directory: str) -> Mapping[str, bytes]:
        """The documents below a directory of the project, by path."""
        ...

    def model(self, source: ModelSource) -> FoundModel:
        """A model, every file hashed."""
        ...
