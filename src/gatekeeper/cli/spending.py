"""What a run has used: in earlier sittings, in this one, and what no record shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatekeeper.adapters.journal import Earlier, RunJournal
    from gatekeeper.core.ceiling import Ceiling
    from gatekeeper.model.run import Run, Spend


def spend_of(run: Run, earlier: Earlier) -> Spend:
    """The spend as this sitting finds it: one more sitting, and what was cut off before it."""
    from gatekeeper.model.run import Spend

    again = earlier.finished.count or earlier.repeated or run.status != "running"
    return Spend(
        nano_usd=earlier.nano_usd,
        tokens=earlier.tokens,
        unrecorded_nano_usd=run.spend.unrecorded_nano_usd,
        unrecorded_tokens=run.spend.unrecorded_tokens,
        cached_calls=earlier.cached,
        sittings=run.spend.sittings + (1 if again else 0),
        repeated=max(run.spend.repeated, earlier.repeated),
    )


def spent(run: Run, earlier: Earlier, journal: RunJournal) -> Run:
    """The run with what it has used, in earlier sittings and in this one."""
    used = {
        "nano_usd": earlier.nano_usd + journal.nano_usd,
        "tokens": earlier.tokens + journal.tokens,
        "cached_calls": earlier.cached + journal.cached,
    }
    return run.model_copy(update={"spend": run.spend.model_copy(update=used)})


def with_unrecorded(run: Run, ceiling: Ceiling | None) -> Run:
    """What the ceiling has seen paid and no record shows counts in the next sitting too."""
    if ceiling is None:
        return run
    unrecorded = {
        "unrecorded_nano_usd": max(ceiling.nano_usd - run.spend.nano_usd, 0),
        "unrecorded_tokens": max(ceiling.tokens - run.spend.tokens, 0),
    }
    return run.model_copy(update={"spend": run.spend.model_copy(update=unrecorded)})
