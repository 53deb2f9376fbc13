"""Run eval sets through one or two releases and record everything that happens.

Samples and releases meet in a random order, so that neither has the warmer machine. The load suite
comes last and alone, at its declared rate, whether or not earlier requests have been answered.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from gatekeeper.core.canonical import short
from gatekeeper.core.scoring import (
    POLICY,
    Conversation,
    Reply,
    falls_short,
    resolved,
    score,
    violates,
)
from gatekeeper.model.envelope import RequestEnvelope, Turn
from gatekeeper.model.record import OutcomeRow, ScoreRow
from gatekeeper.pipeline.visit import Context

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatekeeper.core.scoring import Score
    from gatekeeper.model.evalset import EvalSet, Load, Sample
    from gatekeeper.model.record import RequestRow, Row
    from gatekeeper.model.release import Release
    from gatekeeper.pipeline.visit import Served
    from gatekeeper.ports import Clock, Progress, RecordStore

USER: Final = "evaluation"
JUDGES: Final = frozenset({"exact", "facts", "tool_call"})
"""Scorers that say whether a need was met; without one, a set has no outcomes."""


class Handler(Protocol):
    """A pipeline, as far as an evaluation needs one."""

    async def handle(self, request: RequestEnvelope, context: Context) -> Served:
        """One request, start to end."""
        ...


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


@dataclass(frozen=True, slots=True)
class Contender:
    """A release under test, ready to answer."""

    release: Release
    pipeline: Handler
    workload: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run.

    Attributes:
        contenders: The candidate and, where there is one, the baseline.
        baseline_suites: Suites that the baseline runs too.
        concurrency: Conversations at a time; the load suite has its own rate.
    """

    run: str
    sets: tuple[SampleSet, ...]
    contenders: tuple[Contender, ...]
    baseline_suites: frozenset[str] = frozenset()
    seed: int = 0
    concurrency: int = 64

    def contenders_of(self, chosen: SampleSet) -> tuple[Contender, ...]:
        """Who runs a set: the candidate always."""
        both = chosen.header.suite in self.baseline_suites
        return self.contenders if both else self.contenders[:1]


@dataclass(frozen=True, slots=True)
class Unit:
    """One sample for one release. `due_us` is from the start of the load suite."""

    chosen: SampleSet
    number: int
    contender: Contender
    due_us: int | None = None


async def evaluate(plan: Plan, records: RecordStore, clock: Clock, progress: Progress) -> None:
    """Run every sample of every set; rows are written as conversations end.

    A request that fails is a record like any other. Whatever else goes wrong ends the run.
    """
    runner = _Runner(plan, records, clock, progress)
    units = shuffled(plan)
    if units:
        await runner.crowd(units)
    for chosen in plan.sets:
        if chosen.header.load is not None:
            await runner.load(timetable(plan, chosen, chosen.header.load))


def shuffled(plan: Plan) -> list[Unit]:
    """Every sample but those of load suites, for every release that runs it, in random order."""
    units = [
        Unit(chosen, number, contender)
        for chosen in plan.sets
        if chosen.header.load is None
        for number in range(len(chosen))
        for contender in plan.contenders_of(chosen)
    ]
    random.Random(plan.seed).shuffle(units)  # noqa: S311 - an order, not a secret
    return units


def timetable(plan: Plan, chosen: SampleSet, load: Load) -> list[Unit]:
    """A load suite: when each sample is due at each release, at the declared rate for each.

    The releases take turns in random order, sample by sample.
    """
    rng = random.Random(f"{plan.seed}/{chosen.digest}")  # noqa: S311 - an order, not a secret
    contenders = list(plan.contenders_of(chosen))
    rate = load.rate_per_second * len(contenders)
    numbers = list(range(len(chosen)))
    rng.shuffle(numbers)
    due, units = 0.0, []
    for number in numbers:
        rng.shuffle(contenders)
        for contender in contenders:
            due += rng.expovariate(rate) if load.arrivals == "poisson" else 1 / rate
            units.append(Unit(chosen, number, contender, round(due * 1e6)))
    return units


class _Runner:
    def __init__(self, plan: Plan, records: RecordStore, clock: Clock, progress: Progress) -> None:
        self._plan = plan
        self._records = records
        self._clock = clock
        self._progress = progress

    async def crowd(self, units: Sequence[Unit]) -> None:
        """As many conversations at a time as the plan says."""
        self._progress.start("evaluate", len(units))
        waiting = iter(units)
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._plan.concurrency, len(units))):
                group.create_task(self._work(waiting))
        self._progress.finish("evaluate", f"{len(units)} conversations")

    async def _work(self, waiting: Iterator[Unit]) -> None:
        for unit in waiting:
            await self._converse(unit)
            self._progress.advance("evaluate")

    async def load(self, units: Sequence[Unit]) -> None:
        """Each request when it is due."""
        self._progress.start("load", len(units))
        start = self._clock.monotonic_us()
        async with asyncio.TaskGroup() as group:
            for unit in units:
                early = (unit.due_us or 0) - (self._clock.monotonic_us() - start)
                await asyncio.sleep(max(0, early) / 1e6)
                group.create_task(self._request(unit, start))
        self._progress.finish("load", f"{len(units)} requests")

    async def _request(self, unit: Unit, start: int) -> None:
        sample = unit.chosen[unit.number]
        served = await self._ask(unit, sample, ())
        late = self._clock.monotonic_us() - start - (unit.due_us or 0)
        row = served.request.model_copy(update={"latency_us": late, "scheduled_us": unit.due_us})
        self._records.write([row, *served.calls])
        self._progress.advance("load")

    async def _converse(self, unit: Unit) -> None:
        sample, header = unit.chosen[unit.number], unit.chosen.header
        served = [await self._ask(unit, sample, ())]
        talk = _conversation(sample, served, header)
        asked_again = falls_short(talk)
        if asked_again and sample.follow_up is not None:
            served.append(await self._ask(unit, sample, served))
            talk = _conversation(sample, served, header)
        scores = score(talk, header.scorers or ())
        rows: list[Row] = [_judged(served[0].request, scores)]
        rows += [later.request for later in served[1:]]
        rows += [call for one in served for call in one.calls]
        rows += _score_rows(served[0].request, scores)
        if JUDGES.intersection(one.scorer for one in header.scorers or ()):
            rows.append(self._outcome(talk, follow_up=asked_again))
        self._records.write(rows)

    def _outcome(self, talk: Conversation, *, follow_up: bool) -> OutcomeRow:
        first = talk.replies[0].row
        return OutcomeRow(
            request_id=first.request_id,
            time=self._clock.now_us(),
            source="scorer",
            resolved=resolved(talk),
            follow_up=follow_up or first.status == "error",
        )

    async def _ask(self, unit: Unit, sample: Sample, earlier: Sequence[Served]) -> Served:
        """The next message of the sample's person."""
        turn = len(earlier)
        conversation = f"{self._plan.run}:{short(unit.contender.release.digest)}:{sample.id}"
        request = RequestEnvelope(
            request_id=f"{conversation}:{turn}",
            conversation_id=conversation,
            tenant_id=sample.tenant,
            user_id=USER,
            input=sample.input if turn == 0 else sample.follow_up or sample.input,
            task_class=sample.task_class,
            response_format=sample.response_format,
            history=_history(sample, earlier),
        )
        return await unit.contender.pipeline.handle(request, _context(unit, sample, turn))


def _context(unit: Unit, sample: Sample, turn: int) -> Context:
    header = unit.chosen.header
    return Context(
        lane="offline",
        workload=unit.contender.workload,
        suite=header.suite,
        sample_id=sample.id,
        set_digest=unit.chosen.digest,
        cluster=sample.tags.get(header.cluster) if header.cluster else None,
        turn=turn,
        scheduled_us=unit.due_us,
    )


def _history(sample: Sample, earlier: Sequence[Served]) -> tuple[Turn, ...]:
    return tuple(
        turn
        for one in earlier
        for turn in (
            Turn(role="user", content=sample.input),
            Turn(role="assistant", content=one.response.answer),
        )
    )


def _conversation(sample: Sample, served: Sequence[Served], header: EvalSet) -> Conversation:
    replies = tuple(Reply(one.response, one.request) for one in served)
    return Conversation(sample, replies, header.abstentions)


def _judged(row: RequestRow, scores: Sequence[Score]) -> RequestRow:
    """The record, with what the scorers say of the policy on top of what the pipeline said."""
    if not any(one.scorer in POLICY for one in scores):
        return row
    violation = row.policy_violation or violates(scores)
    return row.model_copy(update={"policy_violation": violation})


def _score_rows(row: RequestRow, scores: Sequence[Score]) -> list[ScoreRow]:
    """Scores are of conversations; they stand on the first request."""
    return [
        ScoreRow(
            request_id=row.request_id,
            scorer=one.scorer,
            value=one.value,
            error=one.error,
            detail=one.detail,
        )
        for one in scores
    ]
