"""The directory of a run while it is run: its records, what has begun, and whose it is."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from gatekeeper.adapters.records import LINES, RunRecords, read_heads
from gatekeeper.core.layout import Finished
from gatekeeper.errors import IntegrityError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gatekeeper.core.layout import Layout
    from gatekeeper.model.record import Row

STARTED: Final = "started.log"
LOCK: Final = "lock"
_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Earlier:
    """What earlier sittings of a run have done.

    Attributes:
        nano_usd: Paid for what was recorded.
        cached: Calls that the response cache answered.
        repeated: How often a conversation had begun and was cut off.
    """

    finished: Finished
    nano_usd: int = 0
    tokens: int = 0
    cached: int = 0
    repeated: int = 0


def read_earlier(directory: Path, layout: Layout) -> Earlier:
    """What the records of a run hold of the conversations of `layout`.

    Raises:
        IntegrityError: They hold something else, or a conversation twice.
    """
    finished, nano_usd, tokens, cached = Finished(layout), 0, 0, 0
    for head in read_heads(directory / LINES):
        index = layout.index(head.key)
        if index is None or not finished.add(index):
            what = "is none of this run" if index is None else "was recorded twice"
            raise IntegrityError(
                f"the conversation {head.key!r} {what}",
                where=str(directory / LINES),
                fix="evaluate again",
            )
        nano_usd += head.nano_usd
        tokens += head.tokens
        cached += head.cached
    cut_off = max(0, _begun(directory / STARTED) - finished.count)
    return Earlier(finished, nano_usd, tokens, cached, cut_off)


def _begun(path: Path) -> int:
    """Conversations that were begun: whatever was not recorded was cut off."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK), b""))


class RunJournal:
    """A run's directory, held by this process alone and open for appending.

    Attributes:
        nano_usd: Paid for what this process has written.
        tokens: Of the same calls.
        cached: Calls that the response cache answered.

    Raises:
        UnavailableError: Another process writes this run.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self._lock = _held(directory / LOCK)
        self._records = RunRecords(directory)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._begun = os.open(directory / STARTED, flags, 0o644)
        self.nano_usd = self.tokens = self.cached = 0

    def begin(self, key: str) -> None:
        """A conversation begins: should it never be written, it was cut off."""
        os.write(self._begun, f"{key}\n".encode())

    def write(self, rows: Iterable[Row], key: str = "") -> None:
        """Append the rows of one conversation; raises `UnavailableError` when the disk refuses."""
        head = self._records.write(rows, key)
        self.nano_usd += head.nano_usd
        self.tokens += head.tokens
        self.cached += head.cached

    def flush(self) -> None:
        """Make what was written survive a loss of power."""
        self._records.flush()

    def remove_traces(self) -> None:
        """Once the run is sealed, what only an unfinished one needs."""
        (self.directory / STARTED).unlink(missing_ok=True)
        (self.directory / LOCK).unlink(missing_ok=True)

    def close(self) -> None:
        """Flush, and let others write."""
        try:
            self._records.close()
        finally:
            os.close(self._begun)
            os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _held(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise UnavailableError(
            "another process is running this evaluation",
            where=str(path.parent),
            fix="wait for it, or stop it first",
        ) from None
    return handle
