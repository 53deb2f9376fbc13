"""Composition: one sitting of a run, from its first request or from where it was cut off."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gatekeeper.cli.interruptions import flushing, interruptible
from gatekeeper.cli.spending import spend_of, spent, with_unrecorded
from gatekeeper.errors import (
    EnvironmentDriftError,
    GatekeeperError,
    StoppedError,
    UnavailableError,
    UndecidedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from gatekeeper.adapters.fleet import Terms
    from gatekeeper.adapters.journal import Earlier, RunJournal
    from gatekeeper.cli.evaluations import Evaluation
    from gatekeeper.core.ceiling import Ceiling
    from gatekeeper.core.scoring.panel import Scoring
    from gatekeeper.model.run import Run
    from gatekeeper.ports import Watch

SCORERS = "scorers"
"""Where a run says, among what served it, what scored it."""


@dataclass(frozen=True, slots=True)
class Sitting:
    """One process at work on one run.

    Attributes:
        run: As it began, with what is different in this sitting.
        directory: Of the run.
        watch: Made once the run and its directory are there.
        say: Tells the person something.
    """

    evaluation: Evaluation
    run: Run
    directory: Path
    watch: Callable[[Run], Watch]
    say: Callable[[str], None]


def carry_out(sitting: Sitting) -> Run:
    """Run it, or go on with it; returns the sealed run.

    Whatever ends it early leaves a run that decides nothing and can be gone on with.

    Raises:
        StoppedError: A person asked for the end.
        UndecidedError: The ceiling was reached.
    """
    try:
        return asyncio.run(carry_on(sitting))
    except UnavailableError as error:
        error.fix = "; then ".join(filter(None, (error.fix, _going_on(sitting.run))))
        raise


async def carry_on(sitting: Sitting) -> Run:
    """The same as `carry_out`, for several runs on one event loop that share their engines."""
    from gatekeeper.adapters.journal import RunJournal, read_earlier
    from gatekeeper.adapters.runs import seal, write_run
    from gatekeeper.cli.plans import ceiling_of

    evaluation, directory = sitting.evaluation, sitting.directory
    with RunJournal(directory) as journal:
        earlier = read_earlier(directory, evaluation.layout)
        run = sitting.run.model_copy(
            update={"status": "running", "spend": spend_of(sitting.run, earlier)}
        )
        write_run(directory, run)
        with _ended_early(sitting, earlier, journal):
            ceiling = ceiling_of(evaluation, run.spend)
            run, reason = await _sit(sitting, run, journal, earlier, ceiling)
        run = with_unrecorded(spent(run, earlier, journal), ceiling)
        if reason:
            write_run(directory, _ended(run, "interrupted"))
            raise _stopped(run, reason)
        with _ended_early(sitting, earlier, journal):
            sealed = seal(directory, _ended(run, "complete"))
        journal.remove_traces()
    return sealed


@contextmanager
def _ended_early(sitting: Sitting, earlier: Earlier, journal: RunJournal) -> Iterator[None]:
    """Whatever goes wrong, `run.json` says that the run has not come to its end."""
    try:
        yield
    except BaseExceptionGroup as group:
        _interrupt(sitting, earlier, journal)
        raise _first(group) from None
    except asyncio.CancelledError:
        _interrupt(sitting, earlier, journal)
        raise _stopped(sitting.run, "interrupted at once") from None
    except BaseException:
        _interrupt(sitting, earlier, journal)
        raise


def _interrupt(sitting: Sitting, earlier: Earlier, journal: RunJournal) -> None:
    """Keep what `run.json` has learnt since the run began; what ended it is told in any case."""
    from gatekeeper.adapters.runs import read_run, write_run

    run = read_run(sitting.directory)
    with suppress(UnavailableError):
        write_run(sitting.directory, _ended(spent(run, earlier, journal), "interrupted"))


def _first(group: BaseExceptionGroup) -> BaseException:
    """Of the failures that ended a group of tasks, the first that we expect, or the first."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        inner = error.exceptions
        error = next((one for one in inner if isinstance(one, GatekeeperError)), inner[0])
    return error


def _stopped(run: Run, reason: str) -> GatekeeperError:
    fix = _going_on(run)
    if reason.startswith("interrupted"):
        return StoppedError(reason, where=f"run {run.id}", fix=fix)
    more = "raise --max-usd or --max-tokens to"
    return UndecidedError(reason, where=f"run {run.id}", fix=f"{more} {fix}")


def _going_on(run: Run) -> str:
    return f"go on with `gatekeeper evaluate --resume {run.id}`"


def _ended(run: Run, status: str) -> Run:
    return run.model_copy(update={"status": status, "ended": datetime.now(UTC)})


async def _sit(
    sitting: Sitting, run: Run, journal: RunJournal, earlier: Earlier, ceiling: Ceiling | None
) -> tuple[Run, str]:
    """Ask what is left; returns the run with what served it, and why it was ended early."""
    from gatekeeper.adapters.fleet import ReleaseFleet
    from gatekeeper.adapters.runs import write_run
    from gatekeeper.cli.plans import plan_of, scorings_of, terms_of
    from gatekeeper.ops.evaluate import evaluate
    from gatekeeper.ops.evaluation_plan import Stop

    evaluation, stop = sitting.evaluation, Stop()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(interruptible(stop, sitting.say))
        await stack.enter_async_context(flushing(journal))
        terms = terms_of(evaluation, ceiling, stack)
        fleet = ReleaseFleet(
            evaluation.entrants, evaluation.means, terms, run.engines, judging=evaluation.judging
        )
        scorings = await scorings_of(evaluation, fleet, stack)
        _refuse_other_scorers(run, _fingerprint(scorings), terms)
        fleet.opened = lambda served: write_run(sitting.directory, _served(run, served, scorings))
        await evaluate(
            plan_of(evaluation, run, fleet, scorings),
            fleet,
            journal,
            earlier.finished,
            clock=evaluation.means.clock,
            watch=sitting.watch(run),
            stop=stop,
        )
    if terms.cache is not None and terms.cache.trouble:
        sitting.say(terms.cache.trouble)
    return _served(run, fleet.fingerprints, scorings), stop.reason


def _served(run: Run, served: Mapping[str, dict[str, str]], scorings: tuple[Scoring, ...]) -> Run:
    """The run with what serves it: a later sitting has to find the same."""
    scored = _fingerprint(scorings)
    engines = {**run.engines, **served} | ({SCORERS: scored} if scored else {})
    return run.model_copy(update={"engines": engines})


def _fingerprint(scorings: tuple[Scoring, ...]) -> dict[str, str]:
    return {key: told for one in scorings for key, told in one.fingerprint.items()}


def _refuse_other_scorers(run: Run, scored: Mapping[str, str], terms: Terms) -> None:
    """Scores of one run come from one and the same thing, or they cannot be told apart."""
    before = run.engines.get(SCORERS, {})
    changed = [f"{key} was {told}" for key, told in before.items() if scored.get(key, told) != told]
    if changed and not terms.allow_drift:
        raise EnvironmentDriftError(
            f"the run was begun with other scorers: {'; '.join(changed)}",
            fix="go on where it began, or evaluate again",
        )
