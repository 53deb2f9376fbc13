"""A ledger in a directory of a POSIX file system, local or NFS.

Entry n is the file ``%08d.json``. `link(2)` creates it, whole or not at all, and fails where it
exists: that is the commit, and there is nothing else to keep in step with it.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from gatekeeper.errors import IntegrityError, LostRaceError, UnavailableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_ENTRY: Final = 1 << 20
STALE_SECONDS: Final = 3600
"""A temporary file this old belongs to nobody: writing one takes milliseconds."""

_ENTRY = re.compile(r"^(\d{8})\.json\Z")
_TEMPORARY = re.compile(r"^\.tmp-[0-9a-f]{16}\Z")


class PosixLedger:
    """The `Ledger` port over a directory, which has to exist.

    A directory that is not there is refused, not taken for an empty ledger: it may be a mount that
    has gone.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def head(self) -> int:
        """Serial of the last entry; 0 when there is none. About 2 log2(n) stats for n entries.

        Raises:
            UnavailableError: The directory is absent or cannot be read.
            UsageError: It is no ledger.
            IntegrityError: Later entries are there, but the first is not.
        """
        with self._explained("read"):
            low, high = 0, 1
            while self._has(high):
                low, high = high, high * 2
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if self._has(middle) else (low, middle)
            if low == 0:
                self._require_empty()
            return low

    def serials(self) -> tuple[int, ...]:
        """The serials of all entries, ascending, by listing; see `head` for errors."""
        if self.head() == 0:
            return ()
        with self._explained("read"):
            found = (_ENTRY.match(path.name) for path in self._directory.iterdir())
            return tuple(sorted(int(entry[1]) for entry in found if entry))

    def read(self, serial: int) -> bytes:
        """Entry `serial` as it was written.

        Raises:
            IntegrityError: It is not there, not a file, or larger than any entry is.
            UnavailableError: It cannot be read.
        """
        path = self._path(serial)
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise _damaged("is missing", path) from None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise _damaged("is a symbolic link", path) from None
            raise UnavailableError(f"cannot be read: {error.strerror}", where=str(path)) from error
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise _damaged("is not a regular file", path)
            with os.fdopen(handle, "rb", closefd=False) as file:
                data = file.read(MAX_ENTRY + 1)
        finally:
            os.close(handle)
        if len(data) > MAX_ENTRY:
            raise _damaged(f"is larger than {MAX_ENTRY:,} bytes", path)
        return data

    def append(self, serial: int, entry: bytes) -> None:
        """Create entry `serial`, durably.

        Raises:
            LostRaceError: It exists.
            IntegrityError: A later entry exists, so that one before it has gone.
            UnavailableError: The directory cannot be written, or the disk is full.
        """
        with self._explained("written"):
            self._look_around(serial)
            temporary = self._directory / f".tmp-{secrets.token_hex(8)}"
            try:
                won = _link(entry, temporary, self._path(serial))
            finally:
                with suppress(FileNotFoundError):
                    temporary.unlink()
            _sync(self._directory)
        if not won:
            raise LostRaceError(
                f"somebody else wrote entry {serial} first",
                where=str(self._path(serial)),
                fix="look at `gatekeeper history`, and try again if it is still wanted",
            )

    def _path(self, serial: int) -> Path:
        return self._directory / f"{serial:08d}.json"

    def _has(self, serial: int) -> bool:
        try:
            os.lstat(self._path(serial))
        except FileNotFoundError:
            return False
        return True

    def _require_empty(self) -> None:
        """No first entry: then there is no entry at all, and nothing else either."""
        for path in self._directory.iterdir():
            if _ENTRY.match(path.name):
                raise _damaged("is missing, but later entries are there", self._path(1))
            if not _TEMPORARY.match(path.name):
                raise UsageError(
                    f"is not a ledger: it holds {path.name!r}",
                    where=str(self._directory),
                    fix="name an empty directory, or one with entries 00000001.json and so on",
                )

    def _look_around(self, serial: int) -> None:
        """Refuse to fill a gap, and clear away what killed writers left behind."""
        for path in self._directory.iterdir():
            entry = _ENTRY.match(path.name)
            if entry and int(entry[1]) > serial and not self._has(serial):
                raise _damaged(f"is missing, but {path.name} is there", self._path(serial))
            if _TEMPORARY.match(path.name):
                _sweep(path)

    @contextmanager
    def _explained(self, done: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise UnavailableError(
                "there is no such ledger directory",
                where=str(self._directory),
                fix=f"mount it; or, if the environment is new, make it: mkdir -p {self._directory}",
            ) from error
        except OSError as error:
            raise UnavailableError(
                f"the ledger cannot be {done}: {error.strerror}",
                where=str(self._directory),
                fix="make room or allow it, look at `gatekeeper history`, and try again",
            ) from error


def _link(data: bytes, temporary: Path, path: Path) -> bool:
    """Whether this call created `path`."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    handle = os.open(temporary, flags, 0o644)
    try:
        with os.fdopen(handle, "wb", closefd=False) as file:
            file.write(data)
        os.fsync(handle)
        try:
            os.link(temporary, path)
        except FileExistsError:
            # A lost reply makes NFS repeat the call, and report a race it has won as lost: the
            # number of links tells.
            return temporary.stat().st_nlink > 1
        return True
    finally:
        os.close(handle)


def _sweep(temporary: Path) -> None:
    with suppress(FileNotFoundError):
        if time.time() - temporary.lstat().st_mtime > STALE_SECONDS:
            temporary.unlink()


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _damaged(what: str, path: Path) -> IntegrityError:
    return IntegrityError(
        f"ledger entry {path.name} {what}",
        where=str(path.parent),
        fix="restore it from a copy of the ledger; nothing may be taken out of it",
    )
