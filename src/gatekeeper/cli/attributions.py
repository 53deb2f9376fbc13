"""Composition: what is asked of a run, and where its mixed releases are made."""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatekeeper.cli.eval_sets import sets_of
from gatekeeper.cli.evaluations import entrant
from gatekeeper.cli.gates import deciding_policy, policy_of
from gatekeeper.cli.mixes.bench import MixBench
from gatekeeper.cli.mixes.engines import OpenEngines
from gatekeeper.cli.mixes.runs import Allowance
from gatekeeper.cli.pipelines import means_of
from gatekeeper.errors import UndecidedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from gatekeeper.adapters.evalsets import LoadedSet
    from gatekeeper.cli.session import Session
    from gatekeeper.model.attribution import Attribution
    from gatekeeper.model.estimate import Estimate
    from gatekeeper.model.prices import PriceBook
    from gatekeeper.model.run import Run
    from gatekeeper.ops.attribute import Plan, Question
    from gatekeeper.ops.policy import Policy


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks about a run.

    Attributes:
        rules: Names of rules; those that did not pass where there is none.
        every: All rules that read a metric.
        advise: Whether a rollback that would pass is looked for.
        policy: Another policy than the run's own.
    """

    rules: Sequence[str] = ()
    every: bool = False
    advise: bool = True
    policy: Path | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)
    allowance: Allowance = field(default_factory=Allowance)


def asked_of(session: Session, directory: Path, asked: Asked) -> tuple[Question, Plan, MixBench]:
    """Everything that can be known before anything is evaluated.

    Raises:
        UndecidedError: The run compares nothing, nothing changed, or every rule passes.
        UsageError: The run was imported, or what it was made of has changed since.
    """
    from gatekeeper.adapters.runs import read_run
    from gatekeeper.core.attribution.players import in_order
    from gatekeeper.ops.attributable import cases
    from gatekeeper.ops.attribute import Question, plan

    run = read_run(directory)
    _refuse(run)
    policy = _policy(session, run, asked)
    bench = _bench(session, directory, run, policy, asked.allowance)
    changed = in_order(bench.changed)
    if not changed:
        raise UndecidedError(
            "the two releases have the same components, so nothing that differs moved anything",
            where=f"run {run.id}",
            fix="what differs between them is chance: `gatekeeper evaluate --aa` measures it",
        )
    verdict = bench.verdict(directory)
    found = cases(policy, verdict, asked.rules, bench.critical_suites, every=asked.every)
    question = Question(run, verdict, found, changed, asked.advise)
    made = plan(run, found, changed, bench)
    bench.total = len(made.asks)
    return question, made, bench


def answered(question: Question, made: Plan, bench: MixBench) -> Attribution:
    """Evaluate what has to be, and say who moved what."""
    from gatekeeper.ops.attribute import attribute

    async def all_of_it() -> Attribution:
        """Attribute while engines stay loaded from one mixed release to the next."""
        async with bench.engines:
            return await attribute(question, made, bench)

    with closing(bench):
        found = asyncio.run(all_of_it() if made.asks else attribute(question, made, bench))
    return found.model_copy(update={"nano_usd": bench.allowance.nano_usd, "notes": bench.notes})


def estimates(made: Plan, bench: MixBench) -> list[tuple[str, tuple[Estimate, ...]]]:
    """What each mix would use at most, by what it is called; no model is asked."""
    from gatekeeper.cli.plans import estimated

    async def each() -> list[tuple[str, tuple[Estimate, ...]]]:
        """What each mixed release would use at most, by its name."""
        return [
            (
                bench.told(made.taken(coalition)),
                await estimated(bench.evaluation(made.taken(coalition), suites)),
            )
            for coalition, suites in made.asks.items()
        ]

    return asyncio.run(each())


def _refuse(run: Run) -> None:
    """Refuse a run that cannot be asked who moved what."""
    where = f"run {run.id}"
    if run.source is not None:
        raise UsageError(
            f"was imported from {run.source.label}: its mixed releases cannot be asked the same",
            where=where,
            fix="evaluate both releases here: `gatekeeper evaluate REF --baseline REF`",
        )
    if not run.files:
        raise UndecidedError(
            f"the run is {run.status}: part of it explains nothing",
            where=where,
            fix=f"finish it: `gatekeeper evaluate --resume {run.id}`",
        )
    if run.options.aa:
        raise UndecidedError(
            "the run compares a release with itself, so nothing changed", where=where
        )
    if run.baseline is None:
        raise UndecidedError(
            "the run has no baseline, so nothing is known to have changed",
            where=where,
            fix="compare it: `gatekeeper evaluate REF --baseline REF`",
        )


def _policy(session: Session, run: Run, asked: Asked) -> Policy:
    path = asked.policy or deciding_policy(session.project, run.options, run.candidate.digest)
    own = {} if asked.policy else run.options.parameters
    return policy_of(session.project, path, {**own, **asked.parameters})


def _bench(
    session: Session, directory: Path, run: Run, policy: Policy, allowance: Allowance
) -> MixBench:
    project = session.project
    assert run.baseline is not None  # noqa: S101 - refused before
    candidate, record = entrant(project, run.candidate.digest)
    baseline, _ = entrant(project, run.baseline.digest)
    sets = sets_of(project, record.evaluation.sets, ())
    means = means_of(project)
    _refuse_changed(run, sets, means.prices)
    return MixBench(
        session=session,
        directory=directory,
        run=run,
        candidate=candidate,
        baseline=baseline,
        sets=sets,
        means=means,
        policy=policy,
        allowance=allowance,
        engines=OpenEngines(means, run.options),
    )


def _refuse_changed(run: Run, sets: Sequence[LoadedSet], prices: PriceBook) -> None:
    """A mix has to be asked the same and priced by the same book as the run was."""
    from gatekeeper.core.canonical import canonical_model, digest

    now = {one.header.name: one.digest for one in sets}
    changed = [f"the eval set {one.name}" for one in run.sets if now.get(one.name) != one.digest]
    if digest(canonical_model(prices)) != run.price_book:
        changed.append("the price book")
    if changed:
        raise UsageError(
            f"{', '.join(changed)} changed since, so nothing new can be set beside it",
            where=f"run {run.id}",
            fix="restore what has changed, or evaluate again",
        )
