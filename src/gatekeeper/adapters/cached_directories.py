"""Directories that can be made again, kept as long as there is room: the oldest use goes first.

Whoever reads or writes one holds a shared lock of all of them meanwhile; whoever removes some needs
the lock alone, and removes nothing where anybody has it. So nothing is ever taken from a process
that is at work; what it leaves behind is removed the next time.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatekeeper.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

_GONE: Final = ".gone-"
"""Begins the name of what is being removed: half of it must not look like the whole."""
DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept.

    Attributes:
        size: Bytes of all together; what was used on the last day is kept all the same.
        age: Seconds since the last use.
    """

    size: int = 2_000_000_000
    age: float = 30 * DAY


@dataclass(frozen=True, slots=True)
class Removed:
    """What made room."""

    count: int = 0
    size: int = 0

    @property
    def told(self) -> str:
        """How much room that made."""
        return f"{self.size / 1e6:,.1f} MB"


@dataclass(frozen=True, slots=True)
class CachedDirectories:
    """The directories below `root`; each was last used when its own time of change says so."""

    root: Path
    bounds: Bounds = Bounds()

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep all of them from being removed, by this process or another.

        Raises:
            UnavailableError: Nothing can be written there.
        """
        try:
            self.root.parent.mkdir(parents=True, exist_ok=True)
            handle = self._locked(fcntl.LOCK_SH)
        except OSError as error:
            what = f"cannot be written: {error.strerror}"
            raise UnavailableError(what, where=str(self.root), fix="allow it") from error
        try:
            yield
        finally:
            os.close(handle)

    def used(self, directory: Path) -> None:
        """Say that one is used now."""
        with suppress(OSError):  # of a file system that is read only, nothing is removed either
            os.utime(directory)

    def prune(self, keep: Collection[str] = ()) -> Removed:
        """Remove what is too old, and then what was used least recently until the rest fits.

        Args:
            keep: Names that stay, because something refers to them.
        """
        if not self.root.is_dir():
            return Removed()
        try:
            handle = self._locked(fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # somebody is at work here, or nothing can be written
            return Removed()
        try:
            return self._prune(keep)
        finally:
            os.close(handle)

    def _prune(self, keep: Collection[str]) -> Removed:
        self._sweep()
        now, count, freed = time.time(), 0, 0
        found = sorted(self._entries())
        left = sum(size for _, _, size in found)
        for used, name, size in found:
            old = now - used > self.bounds.age
            crowded = left > self.bounds.size and now - used > DAY
            if name in keep or not (old or crowded):
                continue
            self._remove(name)
            left, count, freed = left - size, count + 1, freed + size
        return Removed(count, freed)

    def _entries(self) -> Iterator[tuple[float, str, int]]:
        """When each was last used, its name, and its bytes."""
        for path in self.root.iterdir():
            if path.is_dir() and not path.is_symlink() and not path.name.startswith("."):
                yield path.stat().st_mtime, path.name, _size(path)

    def _remove(self, name: str) -> None:
        gone = self.root / f"{_GONE}{name}"
        (self.root / name).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def _sweep(self) -> None:
        """What somebody who was killed left half made or half removed."""
        for path in self.root.glob(".*"):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)

    def _locked(self, how: int) -> int:
        path = self.root.with_name(f"{self.root.name}.lock")
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, how)
        except OSError:
            os.close(handle)
            raise
        return handle


def _size(path: Path) -> int:
    found = 0
    for directory, _, names in os.walk(path):
        for name in names:
            with suppress(OSError):  # it was removed meanwhile
                found += os.lstat(os.path.join(directory, name)).st_blocks * 512  # noqa: PTH118 - a million names
    return found
