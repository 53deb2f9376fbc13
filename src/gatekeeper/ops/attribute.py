"""Which component of a change moved what: evaluate mixed releases, share the change out, advise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gatekeeper.core.attribution import game
from gatekeeper.core.attribution.figures import CONFIDENCE
from gatekeeper.core.attribution.players import Player, components_of, players
from gatekeeper.core.attribution.resampling import REPLICATES
from gatekeeper.model.attribution import Attribution, Coupling
from gatekeeper.ops.attributable import suites_of
from gatekeeper.ops.sharing_out import shared_out
from gatekeeper.ops.take_back import advice, tried_rollbacks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.core.attribution.case import Case
    from gatekeeper.core.attribution.game import Design
    from gatekeeper.core.attribution.resampling import Values
    from gatekeeper.core.attribution.samples import Rows
    from gatekeeper.core.attribution.seen import Key
    from gatekeeper.core.observation import Missing
    from gatekeeper.model.attribution import Method, Mix, Rollback
    from gatekeeper.model.base import ComponentName
    from gatekeeper.model.run import Run
    from gatekeeper.model.verdict import Verdict

    Taken = frozenset[ComponentName]
    """The components that a mix takes from the candidate; the rest are the baseline's."""


class Bench(Protocol):
    """Where mixed releases are made, evaluated and read."""

    def faults(self, taken: Taken) -> Sequence[str]:
        """Why a mix is no sound release; nothing where it is one."""
        ...

    async def evaluate(self, taken: Taken, suites: Sequence[str]) -> Mix:
        """Ask a mix the samples that the run was asked, of these suites."""
        ...

    def rows(self, case: Case, taken: Taken, suites: Sequence[str]) -> Rows | Missing:
        """What a mix shows of a metric; nothing taken is the baseline, everything the candidate."""
        ...

    def against(self, case: Case, taken: Taken, suites: Sequence[str]) -> Rows | Missing | None:
        """The baseline in the session of a mix; None where it was not asked again there."""
        ...

    def members(self, case: Case) -> frozenset[Key] | None:
        """Conversations of the slices that a question is about; None where it is about all."""
        ...

    async def decide(self, taken: Taken) -> Rollback:
        """Evaluate a mix in full against the baseline, and decide it by the policy."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a run.

    Attributes:
        verdict: What the policy says of it now.
        cases: The rules that are asked about.
        changed: Components that differ; at least one.
        advise: Whether a rollback that would pass is looked for.
    """

    run: Run
    verdict: Verdict
    cases: tuple[Case, ...]
    changed: tuple[ComponentName, ...]
    advise: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """Who plays, and what has to be evaluated to find out.

    Attributes:
        asks: Suites that each coalition still has to be asked.
    """

    players: tuple[Player, ...]
    design: Design
    asks: dict[int, tuple[str, ...]]

    def taken(self, coalition: int) -> Taken:
        """The components that a coalition takes from the candidate."""
        return components_of(coalition, self.players)


def plan(run: Run, asked: Sequence[Case], changed: tuple[ComponentName, ...], bench: Bench) -> Plan:
    """Who plays and what is evaluated; nothing is asked yet."""
    who = (Player(changed),) if len(changed) == 1 else players(changed, bench.faults)
    made = game.design(len(who), run.seed)
    asks: dict[int, tuple[str, ...]] = {}
    if len(who) > 1:
        needed = {suite for case in asked for suite in suites_of(case, run)}
        for coalition in made.coalitions:
            asks[coalition] = tuple(sorted(needed))
        asks[made.everyone] = ()
        asks[0] = tuple(sorted(needed - set(run.baseline_suites)))
    return Plan(who, made, {one: suites for one, suites in asks.items() if suites})


async def attribute(question: Question, made: Plan, bench: Bench) -> Attribution:
    """Evaluate what the plan asks for, share every change out, and look for a rollback."""
    mixes = await evaluated(made, bench)
    known: list[tuple[Case, Values]] = []
    rules = tuple(shared_out(case, question.run, made, bench, known) for case in question.cases)
    tried = [one async for one in tried_rollbacks(question, made, rules, known, bench)]
    recommended = next((one for one in tried if one.outcome == "pass"), None)
    run = question.run
    assert run.baseline is not None  # noqa: S101 - a run without one asks no such question
    return Attribution(
        run=run.id,
        candidate=run.candidate,
        baseline=run.baseline,
        policy=question.verdict.policy,
        policy_name=question.verdict.policy_name,
        outcome=question.verdict.outcome,
        changed=question.changed,
        coupled=tuple(
            Coupling(components=one.components, reasons=one.reasons)
            for one in made.players
            if len(one.components) > 1
        ),
        method=_method(made),
        seed=run.seed,
        replicates=REPLICATES,
        confidence=CONFIDENCE,
        rules=rules,
        mixes=mixes,
        rollbacks=tuple(tried),
        recommended=recommended,
        advice=advice(question, made, tried, recommended),
    )


async def evaluated(made: Plan, bench: Bench) -> tuple[Mix, ...]:
    """Ask every mix what the plan asks of it."""
    return tuple(
        [
            await bench.evaluate(made.taken(coalition), suites)
            for coalition, suites in made.asks.items()
        ]
    )


def _method(made: Plan) -> Method:
    if len(made.players) == 1:
        return "one_change"
    return "sampled" if made.design.orders else "exact"
