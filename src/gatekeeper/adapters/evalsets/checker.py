"""What is checked of samples as they go by, and how much is kept of each: twenty-four bytes."""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from gatekeeper.adapters.evalsets.needs import scorable
from gatekeeper.errors import InputError, Problem
from gatekeeper.model.evalset import Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gatekeeper.adapters.evalsets.loaded import Lines
    from gatekeeper.core.scoring.panel import Called
    from gatekeeper.model.evalset import EvalSet

MAX_PROBLEMS: Final = 100
FEW: Final = 100_000
"""Samples whose ids are compared in a plain set; numpy is not loaded for these."""


class Checker:
    """Takes the samples of a set in order, and knows in the end whether they are one.

    Args:
        header: The header of the set.
        scorers: Its scorers.
        file: What to call the samples' file.
    """

    def __init__(self, header: EvalSet, scorers: Sequence[Called], file: str) -> None:
        self.unit: Literal["line", "row"] = "line"
        self.offsets = array("Q")
        self._header = header
        self._scorers = scorers
        self._file = file
        self._ids = array("q")
        self._places: list[str] = [file]
        self._lines = array("I")
        self._files = array("I")
        self._problems: list[Problem] = []

    @property
    def full(self) -> bool:
        """There is no room for another problem."""
        return len(self._problems) >= MAX_PROBLEMS

    def add(self, sample: Sample, offset: int, line: int, file: str | None = None) -> None:
        """A sample that stands at `offset` of the file it will be read from.

        Args:
            sample: The sample.
            offset: Where its line begins.
            line: Where it comes from, for people.
            file: The file that it comes from; by default that of the set.
        """
        self.offsets.append(offset)
        self._ids.append(hash(sample.id))
        self._lines.append(line)
        self._files.append(self._place(file or self._file))
        for path, message, accepted in self._faults(sample):
            problem = Problem(message, file or self._file, line, 1, path, accepted)
            self._problems.append(self._placed(problem))

    def refuse(self, problems: Iterable[Problem]) -> None:
        """What is wrong with a sample that is none."""
        self._problems += map(self._placed, problems)

    def finish(self, samples: Lines) -> None:
        """Look for repeated ids, once everything has gone by.

        Args:
            samples: The lines at the offsets that were given.

        Raises:
            InputError: Everything that was wrong, at most a hundred of it, in order.
        """
        if not self.offsets and not self._problems:
            self._problems.append(Problem("has no samples", self._file))
        if not self.full:
            self._problems += self._repeated(samples)
        if self._problems:
            found = sorted(self._problems, key=lambda one: (one.file, one.line))
            raise InputError(found[:MAX_PROBLEMS])

    def _placed(self, problem: Problem) -> Problem:
        """Where a file has no lines, the row is part of what is said."""
        if self.unit == "line" or not problem.line:
            return problem
        message = f"row {problem.line}: {problem.message}"
        return replace(problem, message=message, line=0, column=0)

    def _place(self, file: str) -> int:
        if self._places[-1] != file:
            self._places.append(file)
        return len(self._places) - 1

    def _faults(self, sample: Sample) -> Iterator[tuple[str, str, str]]:
        header = self._header
        for key, tag in (("cluster", header.cluster), ("strata", header.strata)):
            if tag and tag not in sample.tags:
                yield "tags", f"has no {tag!r}", f"the tag that `{key}` names"
        if not scorable(self._scorers, sample):
            scorers = ", ".join(one.scorer for one in header.scorers or ())
            yield "expect", "gives the set's scorers nothing to score", scorers

    def _repeated(self, samples: Lines) -> Iterator[Problem]:
        """Equal hashes are rare and almost always equal ids, but only the ids decide."""
        first: dict[str, int] = {}
        for position in _equal(self._ids):
            name = Sample.model_validate_json(samples[position]).id
            other = first.setdefault(name, position)
            if other != position:
                where = self._where(other, self._files[position])
                file, line = self._places[self._files[position]], self._lines[position]
                message, accepted = f"{name!r} is the id of {where} too", "an id of its own"
                yield self._placed(Problem(message, file, line, 1, "id", accepted))

    def _where(self, position: int, beside: int) -> str:
        line = f"{self.unit} {self._lines[position]}"
        place = self._files[position]
        return line if place == beside else f"{line} of {self._places[place]}"


def _equal(values: array[int]) -> list[int]:
    """The positions of values that are there more than once, ascending."""
    if len(values) <= FEW and len(set(values)) == len(values):
        return []
    import numpy as np

    found = np.frombuffer(values, dtype=np.int64)
    ordered = np.sort(found)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    return np.flatnonzero(np.isin(found, twice)).tolist() if len(twice) else []
