"""What an evaluation is given: what is run in which turns, by whom, and how it is asked to end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from gatekeeper.core.order import turns
from gatekeeper.ops.converse import Case

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from gatekeeper.core.layout import Layout, Place
    from gatekeeper.model.evalset import EvalSet, Sample
    from gatekeeper.model.record import Arm, Row
    from gatekeeper.ops.converse import Handler, Scoring

Crew = tuple["Arm", ...]
"""Arms whose releases can be loaded at the same time."""


class SampleSet(Protocol):
    """An eval set: its header, its digest, and samples by number."""

    @property
    def header(self) -> EvalSet:
        """What is declared of all samples."""
        ...

    @property
    def digest(self) -> str:
        """sha256 of the header and the samples."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, number: int) -> Sample: ...


class Fleet(Protocol):
    """The releases under test, opened when they are needed."""

    def open(self, crew: Crew) -> AbstractAsyncContextManager[Mapping[Arm, Handler]]:
        """The pipelines of a crew, ready to answer, for as long as the context lasts."""
        ...

    def timed(self) -> AbstractContextManager[None]:
        """While it lasts, every answer is generated, so that its time means something."""
        ...


class Journal(Protocol):
    """Takes the records of conversations and makes them durable."""

    def begin(self, key: str) -> None:
        """A conversation begins: should it never be written, it was cut off."""
        ...

    def write(self, rows: Iterable[Row], key: str = "") -> None:
        """Append the rows of one conversation: all of them or none."""
        ...


@dataclass(slots=True)
class Stop:
    """Asks an evaluation to end after the conversations that are being held."""

    reason: str = ""
    event: asyncio.Event = field(default_factory=asyncio.Event)

    def ask(self, reason: str) -> None:
        """End soon; the first reason stands."""
        self.reason = self.reason or reason
        self.event.set()

    @property
    def asked(self) -> bool:
        """Whether no more may begin."""
        return self.event.is_set()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run.

    Attributes:
        run: Id of the run.
        sets: An eval set for each share of the layout, in its order.
        scorings: The scorers of each set.
        layout: All conversations.
        workloads: Whose daily budget the requests of an arm draw on.
        systems: System prompts of the releases, for scorers that look for them in answers.
        crews: Arms that can be loaded together; several where engines have to take turns.
        concurrency: Conversations at a time; a load suite has its own rate.
    """

    run: str
    sets: tuple[SampleSet, ...]
    scorings: tuple[Scoring, ...]
    layout: Layout
    workloads: Mapping[Arm, str | None] = field(default_factory=dict)
    systems: Mapping[Arm, str] = field(default_factory=dict)
    crews: tuple[Crew, ...] = (("candidate", "baseline"),)
    seed: int = 0
    concurrency: int = 64

    def case(self, place: Place, due_us: int | None = None) -> Case:
        """The sample at a place, read now."""
        chosen, share = self.sets[place.share], self.layout.shares[place.share]
        return Case(
            run=self.run,
            header=chosen.header,
            set_digest=chosen.digest,
            sample=chosen[place.number],
            place=f"{share.name}:{place.number}:{place.replicate}:{place.arm}",
            arm=place.arm,
            replicate=place.replicate,
            workload=self.workloads.get(place.arm),
            system=self.systems.get(place.arm, ""),
            due_us=due_us,
        )

    @property
    def crowded(self) -> tuple[int, ...]:
        """Shares that are not load suites."""
        return tuple(i for i, chosen in enumerate(self.sets) if chosen.header.load is None)


@dataclass(frozen=True, slots=True)
class Part:
    """One turn of a crew: every `of`-th of its conversations, from the `first`."""

    first: int = 0
    of: int = 1


def turns_of(plan: Plan) -> Iterator[tuple[Crew, list[Part]]]:
    """Who is loaded when; turns in a row are one loading."""
    if len(plan.crews) == 1:
        yield plan.crews[0], [Part()]
        return
    seen = dict.fromkeys(plan.crews, 0)
    for which, group in groupby(turns(len(plan.crews), plan.seed)):
        crew, parts = plan.crews[which], []
        for _ in group:
            parts.append(Part(seen[crew], 2))
            seen[crew] += 1
        yield crew, parts
