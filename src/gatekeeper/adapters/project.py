"""A project on disk: the authored files and the state under `.gatekeeper/`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gatekeeper.errors import UsageError

STATE = ".gatekeeper"


@dataclass(frozen=True, slots=True)
class Project:
    """Paths of one project. `root` is absolute and free of symbolic links."""

    root: Path

    @classmethod
    def open(cls, directory: Path) -> Project:
        """The project at `directory`; raises `UsageError` when there is none."""
        root = directory.resolve()
        if not (root / STATE).is_dir():
            raise UsageError(
                "no gatekeeper project here",
                where=str(directory),
                fix="make one with `gatekeeper init` (--state-only in a checkout of one), or name"
                " one with --project DIR",
            )
        return cls(root)

    @property
    def state(self) -> Path:
        """Everything gatekeeper writes."""
        return self.root / STATE

    @property
    def store(self) -> Path:
        """The OCI image layout of releases and their evidence."""
        return self.state / "store"

    @property
    def keys(self) -> Path:
        """Private keys, public keys and the keyring."""
        return self.state / "keys"

    @property
    def cache(self) -> Path:
        """What can be lost without loss."""
        return self.state / "cache"

    @property
    def runs(self) -> Path:
        """One directory a run."""
        return self.state / "runs"

    def ledger(self, environment: str) -> Path:
        """The default place of an environment's ledger."""
        return self.state / "ledger" / environment

    def environment_file(self, environment: str) -> Path:
        """Where an environment's settings are written."""
        return self.root / "manifests" / "environments" / f"{environment}.yaml"

    def inside(self, path: Path | str, *, relative_to: Path | None = None) -> Path:
        """`path` resolved; raises `UsageError` when it, or a link on its way, leaves the project.

        Args:
            path: A relative path with forward slashes.
            relative_to: The directory it is relative to; the project by default.
        """
        base = relative_to or self.root
        try:
            resolved = (base / path).resolve()
        except (OSError, RuntimeError, ValueError):  # a NUL in the name, a circle of links
            resolved = Path("/")
        if Path(path).is_absolute() or not resolved.is_relative_to(self.root):
            raise UsageError(
                f"{str(path)!r} leaves the project",
                where=str(self.root),
                fix="use a relative path to a file inside the project",
            )
        return resolved

    def relative(self, path: Path) -> str:
        """`path` as people write it: from the project's root, or as it is when outside."""
        resolved = path.resolve()
        if resolved.is_relative_to(self.root):
            return resolved.relative_to(self.root).as_posix()
        return str(path)
