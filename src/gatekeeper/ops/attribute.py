"""Which component of a change moved what: evaluate mixed releases, share the change out, advise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from gatekeeper.core.attribution import game, naming
from gatekeeper.core.attribution.players import Player, components_of, players
from gatekeeper.core.attribution.resampling import REPLICATES, resampled
from gatekeeper.core.attribution.samples import table
from gatekeeper.core.observation import Missing
from gatekeeper.core.wording import did_you_mean, listed
from gatekeeper.errors import UndecidedError, UsageError
from gatekeeper.model.attribution import Attribution, Coupling
from gatekeeper.ops.take_back import advice, tried_rollbacks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.core.attribution.game import Design
    from gatekeeper.core.attribution.naming import Case
    from gatekeeper.core.attribution.resampling import Table, Values
    from gatekeeper.core.attribution.samples import Rows
    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.model.attribution import Method, Mix, Rollback, RuleAttribution
    from gatekeeper.model.base import ComponentName
    from gatekeeper.model.run import Run
    from gatekeeper.model.verdict import Verdict
    from gatekeeper.ops.policy import Policy

    Taken = frozenset[ComponentName]
    """The components that a mix takes from the candidate; the rest are the baseline's."""

LOAD: Final = "load"


class Bench(Protocol):
    """Where mixed releases are made, evaluated and read."""

    def faults(self, taken: Taken) -> Sequence[str]:
        """Why a mix is no sound release; nothing where it is one."""
        ...

    async def evaluate(self, taken: Taken, suites: Sequence[str]) -> Mix:
        """Ask a mix the samples that the run was asked, of these suites."""
        ...

    def rows(self, metric: Metric, taken: Taken, suites: Sequence[str]) -> Rows | Missing:
        """What a mix shows of a metric; nothing taken is the baseline, everything the candidate."""
        ...

    def against(self, metric: Metric, taken: Taken, suites: Sequence[str]) -> Rows | Missing | None:
        """The baseline in the session of a mix; None where it was not asked again there."""
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


def cases(
    policy: Policy, verdict: Verdict, names: Sequence[str], *, every: bool
) -> tuple[Case, ...]:
    """The rules that are asked about: by default those that did not pass.

    Raises:
        UsageError: A name is no rule of the policy that reads a metric.
        UndecidedError: No rule is left.
    """
    metrics = policy.metrics
    outcomes = {result.rule: result.outcome for result in verdict.rules}
    found = [
        naming.Case(rule, metrics[rule.metric], outcomes.get(rule.name, "error"))
        for rule in policy.rules
        if rule.metric in metrics
    ]
    for name in names:
        if not any(_called(case, name) for case in found):
            known = [case.rule.name for case in found]
            raise UsageError(
                f"no rule {name!r} reads a metric{did_you_mean(name, known)}",
                where="--rule",
                fix=f"there are {', '.join(known)}",
            )
    wanted = [case for case in found if _wanted(case, names, every=every)]
    if not wanted:
        raise UndecidedError(
            "every rule that reads a metric passes, so there is nobody to blame",
            where=f"run {verdict.run}",
            fix="--all says what moved what all the same; --rule NAME asks about one rule",
        )
    return tuple(wanted)


def _wanted(case: Case, names: Sequence[str], *, every: bool) -> bool:
    if names:
        return any(_called(case, name) for name in names)
    return every or case.outcome in {"fail", "inconclusive", "error"}


def _called(case: Case, name: str) -> bool:
    """Whether a rule is meant: by its name, with its section or without, or by its metric."""
    rule = case.rule
    return name in {rule.name, rule.name.removeprefix(f"{rule.section}."), rule.metric}


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


def suites_of(case: Case, run: Run) -> tuple[str, ...]:
    """The suites of a run that a rule's metric is read from.

    A metric of all suites is read from all but the load suite, whose records are about time.
    """
    there = {used.suite for used in run.sets}
    wanted = set(case.metric.suites) & there if case.metric.suites else there - {LOAD}
    return tuple(sorted(wanted))


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
        confidence=naming.CONFIDENCE,
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


def shared_out(
    case: Case, run: Run, made: Plan, bench: Bench, known: list[tuple[Case, Values]]
) -> RuleAttribution:
    """Who moved a rule's metric, once the mixes were evaluated; its values join `known`."""
    values, samples = _values(case, run, made, bench)
    if not isinstance(values, Missing):
        known.append((case, values))
    return _told(case, made, values, samples, suites_of(case, run))


def _method(made: Plan) -> Method:
    if len(made.players) == 1:
        return "one_change"
    return "sampled" if made.design.orders else "exact"


def _values(case: Case, run: Run, made: Plan, bench: Bench) -> tuple[Values | Missing, int]:
    """The values of all coalitions for a rule's metric, and the samples they rest on."""
    suites = suites_of(case, run)
    unseen = sorted(set(suites) - set(run.baseline_suites))
    if len(made.players) == 1 and unseen:
        what = f"the baseline was not asked {listed(unseen)}"
        return Missing("no_baseline", what, ""), 0
    found = _table(case.metric, suites, made, bench)
    if isinstance(found, Missing):
        return found, 0
    return resampled(found, run.seed), len(found.unit)


def _table(metric: Metric, suites: Sequence[str], made: Plan, bench: Bench) -> Table | Missing:
    taken = {one: made.taken(one) for one in made.design.coalitions}
    seen = {one: bench.rows(metric, mix, suites) for one, mix in taken.items()}
    against = {}
    for one in made.asks:
        session = bench.against(metric, taken[one], suites) if one else None
        if session is not None:
            against[one] = session
    return table(metric, seen, against)


def _told(
    case: Case, made: Plan, values: Values | Missing, samples: int, suites: Sequence[str]
) -> RuleAttribution:
    if len(made.players) == 1:
        return naming.only_change(case, made.players[0], values, samples=samples, suites=suites)
    return naming.attributed(
        case, made.design, made.players, values, samples=samples, suites=suites
    )
