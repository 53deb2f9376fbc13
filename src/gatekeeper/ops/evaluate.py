"""Run eval sets through one or two releases and record everything that happens.

Samples and releases meet in a random order, so that neither has the warmer machine. A load suite
comes last and alone, at its declared rate, whether or not earlier requests have been answered.
Releases whose engines cannot be loaded together take turns, there and back.

Whatever ends a run early leaves whole conversations behind it, and a run that can be gone on with.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from gatekeeper.core.ceiling import CeilingError
from gatekeeper.core.order import timetable
from gatekeeper.ops.converse import ask_once, converse, score_rows
from gatekeeper.ops.evaluation_plan import Part, turns_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatekeeper.core.layout import Finished, Place
    from gatekeeper.core.order import Due
    from gatekeeper.model.record import Arm, Row
    from gatekeeper.ops.converse import Handler, Held
    from gatekeeper.ops.evaluation_plan import Fleet, Journal, Plan, Stop
    from gatekeeper.ports import Clock, Watch


async def evaluate(  # noqa: PLR0913 - the seats of an evaluation
    plan: Plan,
    fleet: Fleet,
    journal: Journal,
    finished: Finished,
    *,
    clock: Clock,
    watch: Watch,
    stop: Stop,
) -> None:
    """Ask whatever is not finished; rows are written as conversations end.

    A request that fails is a record like any other. Whatever else goes wrong ends the run at once.
    `stop` says afterwards whether it was ended early, and why.
    """
    runner = _Runner(plan, journal, finished, clock=clock, watch=watch, stop=stop)
    watch.begin(*runner.totals())
    try:
        for crew, parts in turns_of(plan):
            async with fleet.open(crew) as handlers:
                for part in parts:
                    await runner.crowd(handlers, part)
                    with fleet.timed():
                        await runner.load(handlers, part)
            if stop.asked:
                return
    finally:
        watch.end(stop.reason)


class _Runner:
    def __init__(  # noqa: PLR0913 - as above
        self,
        plan: Plan,
        journal: Journal,
        finished: Finished,
        *,
        clock: Clock,
        watch: Watch,
        stop: Stop,
    ) -> None:
        self._plan = plan
        self._journal = journal
        self._finished = finished
        self._clock = clock
        self._watch = watch
        self._stop = stop
        self._order = plan.layout.shuffled(plan.crowded, plan.seed)

    def totals(self) -> tuple[dict[str, int], dict[str, int]]:
        """Conversations by suite: in all, and finished."""
        totals: dict[str, int] = {}
        done: dict[str, int] = {}
        start = 0
        for chosen, share in zip(self._plan.sets, self._plan.layout.shares, strict=True):
            suite, end = chosen.header.suite, start + share.size
            totals[suite] = totals.get(suite, 0) + share.size
            found = sum(index in self._finished for index in range(start, end))
            done[suite] = done.get(suite, 0) + found
            start = end
        return totals, done

    # -- as many at a time as the plan says --------------------------------------------------------

    async def crowd(self, handlers: Mapping[Arm, Handler], part: Part) -> None:
        """Every conversation of a turn but those of load suites."""
        waiting = self._waiting(handlers, part)
        async with asyncio.TaskGroup() as group:
            for _ in range(self._plan.concurrency):
                group.create_task(self._work(handlers, waiting))

    def _waiting(self, handlers: Mapping[Arm, Handler], part: Part) -> Iterator[int]:
        place = self._plan.layout.place
        for position, index in enumerate(self._order):
            if position % part.of != part.first or index in self._finished:
                continue
            arm = place(index).arm
            if arm in handlers and not (arm == "baseline" and self._paired(index)):
                yield index

    def _paired(self, index: int) -> bool:
        """Whether the two conversations of a sample are compared, and so held together."""
        return self._plan.scorings[self._plan.layout.place(index).share].compares

    async def _work(self, handlers: Mapping[Arm, Handler], waiting: Iterator[int]) -> None:
        for index in waiting:
            if self._stop.asked:
                return
            try:
                if "baseline" in handlers and self._paired(index):
                    await self._pair(handlers, index)
                else:
                    held = await self._hold(handlers, self._plan.layout.place(index))
                    self._record(index, held.rows)
            except CeilingError as error:
                self._stop.ask(error.what)
                return

    async def _hold(self, handlers: Mapping[Arm, Handler], place: Place) -> Held:
        self._journal.begin(place.key(self._plan.layout.shares))
        case, scoring = self._plan.case(place), self._plan.scorings[place.share]
        return await converse(case, handlers[place.arm], scoring, self._clock)

    async def _pair(self, handlers: Mapping[Arm, Handler], index: int) -> None:
        """Both conversations of a sample, then the two compared.

        The candidate's records come last and hold the comparison: without them, the baseline's
        conversation is held again, and not recorded again. Where one of the two is refused, the
        other still comes to its end: its requests are under way and paid for.
        """
        place = self._plan.layout.place(index)
        other = replace(place, arm="baseline")
        candidate, baseline = await asyncio.gather(
            self._hold(handlers, place), self._hold(handlers, other), return_exceptions=True
        )
        if isinstance(baseline, BaseException):
            raise baseline
        if self._index(other) not in self._finished:
            self._record(self._index(other), baseline.rows)
        if isinstance(candidate, BaseException):
            raise candidate
        scoring = self._plan.scorings[place.share]
        compared = await scoring.compare(candidate.conversation, baseline.conversation)
        first = candidate.conversation.replies[0].row
        self._record(index, (*candidate.rows, *score_rows(first, compared)))

    def _record(self, index: int, rows: Sequence[Row]) -> None:
        place = self._plan.layout.place(index)
        self._journal.write(rows, place.key(self._plan.layout.shares))
        self._finished.add(index)
        self._watch.finished(self._plan.sets[place.share].header.suite, rows)

    # -- each when it is due -----------------------------------------------------------------------

    async def load(self, handlers: Mapping[Arm, Handler], part: Part) -> None:
        """The load suites of a turn, one after another."""
        for number, chosen in enumerate(self._plan.sets):
            if chosen.header.load is not None and not self._stop.asked:
                await self._send(handlers, self._dues(number, handlers, part))

    def _dues(self, share: int, handlers: Mapping[Arm, Handler], part: Part) -> list[Due]:
        """What is left of a load suite in a turn, after all that is sent before it."""
        earlier = [(number, part.first) for number in range(share)]
        earlier += [(n, turn) for turn in range(part.first) for n in range(len(self._plan.sets))]
        tables = [self._timetable(n, handlers, Part(turn, part.of)) for n, turn in earlier]
        start = sum(table[-1].due_us for table in tables if table)
        found = self._timetable(share, handlers, part)
        whole = [replace(due, due_us=start + due.due_us) for due in found]
        return [due for due in whole if self._index(due.place) not in self._finished]

    def _timetable(self, share: int, handlers: Mapping[Arm, Handler], part: Part) -> list[Due]:
        plan = self._plan
        chosen, whole = plan.sets[share], plan.layout.shares[share]
        arms = [arm for arm in whole.arms if arm in handlers]
        numbers = list(whole.numbers)[part.first :: part.of]
        if chosen.header.load is None or not arms:
            return []
        seed = f"{plan.seed}/{chosen.digest}/{part.first}"
        return timetable(share, numbers, arms, chosen.header.load, seed)

    async def _send(self, handlers: Mapping[Arm, Handler], dues: Sequence[Due]) -> None:
        start = self._clock.monotonic_us() - (dues[0].due_us if dues else 0)
        async with asyncio.TaskGroup() as group:
            for due in dues:
                early = due.due_us - (self._clock.monotonic_us() - start)
                await asyncio.sleep(max(0, early) / 1e6)
                if self._stop.asked:
                    return
                group.create_task(self._request(handlers[due.place.arm], due, start))

    async def _request(self, handler: Handler, due: Due, start: int) -> None:
        self._journal.begin(due.place.key(self._plan.layout.shares))
        try:
            served = await ask_once(self._plan.case(due.place, due.due_us), handler)
        except CeilingError as error:
            self._stop.ask(error.what)
            return
        late = self._clock.monotonic_us() - start - due.due_us
        row = served.request.model_copy(update={"latency_us": late, "scheduled_us": due.due_us})
        self._record(self._index(due.place), [row, *served.calls])

    def _index(self, place: Place) -> int:
        index = self._plan.layout.index(place.key(self._plan.layout.shares))
        assert index is not None  # noqa: S101 - the place is one of this layout
        return index
