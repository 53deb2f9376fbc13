"""Composition: from an evaluation to what is asked, who scores it, and on what terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.cli.beginning import begin
from gatekeeper.errors import UsageError

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from gatekeeper.adapters.fleet import ReleaseFleet, Terms
    from gatekeeper.cli.evaluations import Evaluation
    from gatekeeper.core.ceiling import Ceiling
    from gatekeeper.core.scoring.panel import Scoring
    from gatekeeper.model.estimate import Estimate
    from gatekeeper.model.run import Run, Spend
    from gatekeeper.ops.evaluation_plan import Plan


def plan_of(
    evaluation: Evaluation, run: Run, fleet: ReleaseFleet, scorings: tuple[Scoring, ...]
) -> Plan:
    """What is run; raises `UsageError` where answers are compared that cannot meet."""
    from gatekeeper.ops.evaluation_plan import Plan

    entrants, crews = evaluation.entrants, fleet.crews()
    if len(crews) > 1 and any(one.compares for one in scorings):
        raise UsageError(
            "a scorer compares both answers, and the two releases cannot be loaded together",
            fix="leave out the pairwise scorer, or use an engine that can serve both",
        )
    return Plan(
        run=run.id,
        sets=evaluation.sets,
        scorings=scorings,
        layout=evaluation.layout,
        workloads={arm: one.workload for arm, one in entrants.items()},
        systems={arm: one.release.components.prompt.system for arm, one in entrants.items()},
        crews=crews,
        seed=evaluation.seed,
        concurrency=evaluation.options.concurrency,
    )


async def scorings_of(
    evaluation: Evaluation, fleet: ReleaseFleet, stack: AsyncExitStack
) -> tuple[Scoring, ...]:
    """The scorers of every set, with the judges that they ask."""
    from gatekeeper.adapters.scorers import open_scoring
    from gatekeeper.core.ceiling import CeilingError

    judges = await stack.enter_async_context(fleet.judges())
    return tuple(
        [
            await stack.enter_async_context(
                open_scoring(
                    one.header,
                    evaluation.project,
                    judges=judges,
                    prices=evaluation.means.prices,
                    external=evaluation.candidate.release.governance.external_model_calls,
                    halts=(CeilingError,),
                    clock=evaluation.means.clock,
                )
            )
            for one in evaluation.sets
        ]
    )


def terms_of(evaluation: Evaluation, ceiling: Ceiling | None, stack: AsyncExitStack) -> Terms:
    """What holds for every call; the response cache is open for as long as the stack is."""
    from gatekeeper.adapters.fleet import Terms
    from gatekeeper.adapters.responses import RESPONSES, ResponseCache

    options, cache = evaluation.options, None
    if options.cache is not False and not options.aa:
        cache = ResponseCache(evaluation.project.cache / RESPONSES)
        stack.callback(cache.close)
    return Terms(
        engine=options.engine,
        cache=cache,
        remember_all=options.cache is True,
        ceiling=ceiling,
        responses=options.responses,
        allow_drift=options.allow_environment_drift,
    )


def ceiling_of(evaluation: Evaluation, spend: Spend) -> Ceiling | None:
    """What the run may use, less what earlier sittings have; None where nothing limits it."""
    from gatekeeper.core.ceiling import Ceiling
    from gatekeeper.model.base import nano_usd

    options = evaluation.options
    if options.max_usd is None and options.max_tokens is None:
        return None
    return Ceiling(
        max_nano_usd=None if options.max_usd is None else nano_usd(options.max_usd),
        max_tokens=options.max_tokens,
        nano_usd=spend.nano_usd + spend.unrecorded_nano_usd,
        tokens=spend.tokens + spend.unrecorded_tokens,
    )


async def estimated(evaluation: Evaluation) -> tuple[Estimate, ...]:
    """What the evaluation would use at most; no model is loaded and none is asked."""
    from dataclasses import replace

    from gatekeeper.adapters.engines.seat import Seat
    from gatekeeper.adapters.fleet import ReleaseFleet, Terms
    from gatekeeper.adapters.tokenizer import ByteTokenizer
    from gatekeeper.ops.estimate import CountingEngine, estimate

    async def counting(_: str, seat: Seat) -> CountingEngine:
        """An engine that generates nothing and counts what it would have been asked."""
        return CountingEngine(seat.tokenizer or ByteTokenizer())

    options = evaluation.options
    means = replace(evaluation.means, opened=counting)
    terms = Terms(engine=options.engine, responses=options.responses)
    fleet = ReleaseFleet(evaluation.entrants, means, terms)
    return await estimate(plan_of(evaluation, begin(evaluation), fleet, ()), fleet)
