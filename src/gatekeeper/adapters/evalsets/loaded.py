"""A checked eval set: its header, and its samples by number, read when they are asked for."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatekeeper.errors import IntegrityError
from gatekeeper.model.evalset import Sample

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterator
    from pathlib import Path

    from gatekeeper.model.evalset import EvalSet


class Lines:
    """The lines of a file by the offsets of their first bytes; safe to read from many threads.

    Raises:
        IntegrityError: When a line is read of a file that was written to since it was opened.
    """

    def __init__(self, path: Path, offsets: array[int]) -> None:
        self._path = path
        self._offsets = offsets
        self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._state = self._now()

    def __del__(self) -> None:
        if hasattr(self, "_handle"):
            os.close(self._handle)

    def __len__(self) -> int:
        return len(self._offsets)

    def __getitem__(self, number: int) -> bytes:
        offsets = self._offsets
        start, after = offsets[number], range(len(offsets))[number] + 1
        end = offsets[after] if after < len(offsets) else self._state[0]
        found = os.pread(self._handle, end - start, start)
        self._refuse_change()
        return found.partition(b"\n")[0]  # between two samples there may be other lines

    def __iter__(self) -> Iterator[bytes]:
        return map(self.__getitem__, range(len(self._offsets)))

    def _refuse_change(self) -> None:
        if self._now() != self._state:
            raise IntegrityError(
                "was changed while the eval set was in use",
                where=str(self._path),
                fix="leave the samples alone until the run has ended, then start it again",
            )

    def _now(self) -> tuple[int, int]:
        status = os.fstat(self._handle)
        return status.st_size, status.st_mtime_ns


@dataclass(frozen=True, slots=True)
class LoadedSet:
    """An eval set every sample of which was checked: its header and a sequence of samples.

    Attributes:
        file: What the header calls its samples, from the project's root, for people.
        digest: sha256 of the canonical header and of the size and sha256 of every file.
    """

    header: EvalSet
    file: str
    digest: str
    lines: Lines = field(repr=False)

    def __len__(self) -> int:
        return len(self.lines)

    def __getitem__(self, number: int) -> Sample:
        """Sample `number`, read when it is asked for."""
        return Sample.model_validate_json(self.lines[number])

    def __iter__(self) -> Iterator[Sample]:
        """Every sample in order, one at a time."""
        return map(Sample.model_validate_json, self.lines)
