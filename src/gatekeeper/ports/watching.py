"""Who is told how long work goes, and where its results are tracked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatekeeper.model.record import Row
    from gatekeeper.model.tracking import Receipt, Tracked


class Progress(Protocol):
    """Told how far a long operation is; the silent one is the default."""

    def start(self, task: str, total: int | None = None) -> None:
        """A task begins."""
        ...

    def advance(self, task: str, count: int = 1) -> None:
        """Some of it is done."""
        ...

    def finish(self, task: str, note: str = "") -> None:
        """It has ended."""
        ...


@dataclass(frozen=True, slots=True)
class Silent:
    """Progress that nobody watches."""

    def start(self, task: str, total: int | None = None) -> None:
        """Nothing."""

    def advance(self, task: str, count: int = 1) -> None:
        """Nothing."""

    def finish(self, task: str, note: str = "") -> None:
        """Nothing."""


class Watch(Protocol):
    """Told how an evaluation goes, conversation by conversation."""

    def begin(self, totals: Mapping[str, int], done: Mapping[str, int]) -> None:
        """Conversations by suite, all releases and replicates: in all, and finished earlier."""
        ...

    def finished(self, suite: str, rows: Sequence[Row]) -> None:
        """One conversation has ended; `rows` are what was recorded of it."""
        ...

    def end(self, note: str = "") -> None:
        """Nothing more will come: the run is over or was interrupted."""
        ...


class Tracker(Protocol):
    """Keeps runs where a team compares its experiments."""

    def send(self, tracked: Tracked) -> Receipt:
        """Send a run, or what is lacking of it: sent twice, it is there once.

        Raises:
            UnavailableError: The tracker is absent, refuses, or takes too long.
        """
        ...
