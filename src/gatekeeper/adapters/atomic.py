"""Writes that either happened or did not, also when the power fails."""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator


def replace(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Put `data` at `path` whole: temporary file, fsync, rename, fsync of the directory."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fchmod(handle, mode)
                os.fsync(handle)
            temporary.replace(path)
        except BaseException:
            temporary.unlink()
            raise
        sync_directory(path.parent)
    except OSError as error:
        raise UnavailableError(
            f"cannot be written: {error.strerror}", where=str(path), fix="free space, or allow it"
        ) from error


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the exclusive lock of `path` (a file of its own) against other processes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
