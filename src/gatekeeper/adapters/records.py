"""Writing records: JSON Lines, one line a write, whole lines only.

A line holds the rows of one `write` by table, so that a kill leaves all of them or none. Before
them stand the key that the writer gave and what the calls cost, so that whoever goes on with an
interrupted run reads the heads of lines and nothing else.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from gatekeeper.adapters.atomic import sync_directory
from gatekeeper.adapters.columns import TABLES
from gatekeeper.errors import IntegrityError, UnavailableError
from gatekeeper.model.record import CallRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from gatekeeper.model.record import Row

LINES: Final = "records.jsonl"
_TAIL: Final = 1 << 16
_NAMES: Final = {table.row: table.name for table in TABLES}
_BEGIN: Final = b'{"key":'
_HEAD_OF_LINE: Final = re.compile(
    rb'\{"key":("(?:[^"\\]|\\.)*"),"nano_usd":(\d+),"tokens":(\d+),"cached":(\d+),"%b":\['
    % TABLES[0].name.encode()
)
"""As far as the first table, which is always there."""


class Head(NamedTuple):
    """What stands before the rows of a line.

    Attributes:
        key: What the writer called these rows.
        nano_usd: What their calls cost that were really made.
        tokens: Tokens of the same calls.
        cached: Calls that the response cache answered.
    """

    key: str
    nano_usd: int = 0
    tokens: int = 0
    cached: int = 0


def head_of(key: str, rows: Iterable[Row]) -> Head:
    """The head of a line with these rows."""
    calls = [row for row in rows if isinstance(row, CallRow)]
    made = [call for call in calls if not call.from_cache]
    return Head(
        key,
        sum(call.nano_usd or 0 for call in made),
        sum(call.tokens or 0 for call in made),
        len(calls) - len(made),
    )


def read_heads(path: Path) -> Iterator[Head]:
    """The heads of all whole lines, without reading what is behind them.

    Raises:
        IntegrityError: A line has none.
    """
    import json

    if not path.exists():
        return
    left = whole_lines(path)
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            left -= len(line)
            if left < 0:
                return
            found = None if _damaged(line) else _HEAD_OF_LINE.match(line)
            if found is None:
                raise IntegrityError(
                    f"line {number} holds no records",
                    where=str(path),
                    fix="restore the file, or evaluate again",
                )
            key, *numbers = found.groups()
            yield Head(json.loads(key) if b"\\" in key else key[1:-1].decode(), *map(int, numbers))


def _damaged(line: bytes) -> bool:
    """Whether a line is plainly none, without reading its rows: cut, zeroed, or two in one.

    Quotes in texts are escaped, so that only the head of a line can begin with its key.
    """
    return not line.endswith(b"]}\n") or b"\0" in line or line.find(_BEGIN, 1) > 0


class RunRecords:
    """The records of one directory, open for appending.

    What `write` was given has reached the operating system when it returns: a kill of the process
    loses nothing, and `flush` makes it survive a loss of power too. A write that fails leaves no
    part of its rows behind, so it can be tried again.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._file = _Lines(directory / LINES)

    @property
    def size(self) -> int:
        """Bytes written."""
        return self._file.size

    def write(self, rows: Iterable[Row], key: str = "") -> Head:
        """Append rows under a key; raises `UnavailableError` when the disk refuses."""
        kept, before = tuple(rows), self._file.size
        head = head_of(key, kept)
        try:
            self._file.append(_line(head, kept))
        except OSError as error:
            self._file.cut(before)
            raise _refused(self.directory, error) from error
        return head

    def flush(self) -> None:
        """Make what was written survive a loss of power."""
        try:
            self._file.sync()
            sync_directory(self.directory)
        except OSError as error:
            raise _refused(self.directory, error) from error

    def close(self) -> None:
        """Flush, and let go of the file."""
        try:
            self.flush()
        finally:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _line(head: Head, rows: Sequence[Row]) -> bytes:
    import json

    said = json.dumps(head._asdict(), separators=(",", ":"))
    by_table: dict[str, list[str]] = {name: [] for name in _NAMES.values()}
    for row in rows:
        by_table[_NAMES[type(row)]].append(row.model_dump_json())
    tables = (f'"{name}":[{",".join(found)}]' for name, found in by_table.items())
    return (",".join((said[:-1], *tables)) + "}\n").encode()


class RotatingRecords:
    """Records of a service: a directory of segments, each as `RunRecords` writes it.

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
        """Write all of `data` at the end; raises `OSError` with a part of it written."""
        view = memoryview(data)
        while view:
            written = os.write(self._handle, view)
            self.size += written
            view = view[written:]

    def cut(self, size: int) -> None:
        """Take back what stands after `size` bytes."""
        os.ftruncate(self._handle, size)
        self.size = size

    def sync(self) -> None:
        """Bring what was written to the disk."""
        os.fsync(self._handle)

    def close(self) -> None:
        """Let go of the file."""
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
