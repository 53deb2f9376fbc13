"""Writing records: JSON Lines, one file a table, whole lines only."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

from gatekeeper.adapters.atomic import sync_directory
from gatekeeper.adapters.columns import TABLES
from gatekeeper.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gatekeeper.model.record import Row

_TAIL: Final = 1 << 16


class RunRecords:
    """The tables of one directory, open for appending.

    What `write` was given has reached the operating system when it returns: a kill of the process
    loses nothing, and `flush` makes it survive a loss of power too. A write that fails leaves no
    part of its rows behind, so it can be tried again.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._files = {table.row: _Lines(directory / table.lines) for table in TABLES}

    @property
    def size(self) -> int:
        """Bytes of all tables."""
        return sum(file.size for file in self._files.values())

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows; raises `UnavailableError` when the disk refuses."""
        chunks: dict[_Lines, list[str]] = {}
        for row in rows:
            chunks.setdefault(self._files[type(row)], []).append(row.model_dump_json())
        before = {file: file.size for file in chunks}
        try:
            for file, lines in chunks.items():
                file.append(("\n".join(lines) + "\n").encode())
        except OSError as error:
            for file, size in before.items():
                file.cut(size)
            raise _refused(self.directory, error) from error

    def flush(self) -> None:
        """Make what was written survive a loss of power."""
        try:
            for file in self._files.values():
                file.sync()
            sync_directory(self.directory)
        except OSError as error:
            raise _refused(self.directory, error) from error

    def close(self) -> None:
        """Flush, and let go of the files."""
        try:
            self.flush()
        finally:
            for file in self._files.values():
                file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class RotatingRecords:
    """Records of a service: a directory of segments, each with the four tables.

    A segment is named after the moment it began, so that name order is time order. The rows of one
    `write` are in one segment.
    """

    def __init__(self, directory: Path, max_bytes: int = 64 << 20) -> None:
        self.directory = directory
        self._max_bytes = max_bytes
        self._segment: RunRecords | None = None

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows, in a new segment where the last one is full."""
        if self._segment is not None and self._segment.size >= self._max_bytes:
            self.close()
        if self._segment is None:
            self._segment = self._begin()
        self._segment.write(rows)

    def flush(self) -> None:
        """Make what was written survive a loss of power."""
        if self._segment is not None:
            self._segment.flush()

    def close(self) -> None:
        """Flush and end the segment; a later write begins another."""
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.close()

    def _begin(self) -> RunRecords:
        name = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        try:
            return RunRecords(self.directory / f"{name}-{os.getpid()}")
        except OSError as error:
            raise _refused(self.directory, error) from error


class _Lines:
    """A file of whole lines."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self.size = whole_lines(path)
        os.ftruncate(self._handle, self.size)

    def append(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            written = os.write(self._handle, view)
            self.size += written
            view = view[written:]

    def cut(self, size: int) -> None:
        os.ftruncate(self._handle, size)
        self.size = size

    def sync(self) -> None:
        os.fsync(self._handle)

    def close(self) -> None:
        os.close(self._handle)


def whole_lines(path: Path) -> int:
    """Bytes up to the end of the last whole line: a kill can leave part of one behind it."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            start = max(end - _TAIL, 0)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
            end = start
    return 0


def _refused(directory: Path, error: OSError) -> UnavailableError:
    return UnavailableError(
        f"records cannot be written: {error.strerror}",
        where=str(directory),
        fix="free space, or allow it",
    )
