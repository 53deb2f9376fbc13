"""Go back to a release that was good, in one entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.core import transitions
from gatekeeper.core.admission import Moved
from gatekeeper.core.transitions import Change
from gatekeeper.errors import UndecidedError
from gatekeeper.ops import ledger
from gatekeeper.ops.admission import examine
from gatekeeper.ops.promote import carry_out, rests_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatekeeper.core.admission import Admission
    from gatekeeper.core.chronicle import Recorded
    from gatekeeper.model.ledger import LedgerEntry, ReliedOn, Stable
    from gatekeeper.ops.promote import Intent
    from gatekeeper.ops.site import Site
    from gatekeeper.ports import Signer


def rollback(site: Site, intent: Intent, signer: Signer, *, to: str | None = None) -> Moved:
    """Make an earlier release stable again, whole.

    Its content, signature and model files are checked as for a promotion. A release that was
    stable here needs no new verdict: an emergency is no time to evaluate.

    Args:
        site: The environment.
        intent: Who and why.
        signer: Of the role `promote`.
        to: The release to go to; by default the one that was stable before the current one came.

    Raises:
        UndecidedError: There is nothing to go back to.
        LostRaceError: Somebody else changed the environment meanwhile; says who.
        IntegrityError: The ledger is not sound.
    """
    head = ledger.head(site, take_over=intent.take_over)
    if head is None:
        raise UndecidedError(
            "nothing was ever promoted, so there is nothing to go back to",
            where=site.name,
            fix=f"gatekeeper promote REF --env {site.name}",
        )
    read = ledger.entries(site)
    before = head.entry.state.stable.release
    goal = _goal(site, head, read, to)
    found = examine(
        site,
        goal.release,
        head=head.entry,
        now=intent.now,
        verdict=goal.earlier is None,
    )
    if goal.release == before or not found.admitted or found.release is None:
        return Moved(found, None, written=False, before=before)
    change = Change(
        release=goal.release,
        name=found.release.name,
        actor=intent.actor,
        reason=intent.reason,
        time=intent.now,
        promoted=goal.promoted,
        relied_on=_relied_on(found, read(goal.earlier.since) if goal.earlier else None),
    )
    entry = transitions.following(head.tip, "rollback", change)
    return carry_out(site, entry, found, before, intent, signer)


@dataclass(frozen=True, slots=True)
class _Goal:
    """Where to go.

    Attributes:
        earlier: When it was stable here; None where it never was.
        promoted: The entry that first brought it, where it is one of the good releases.
    """

    release: str
    earlier: Stable | None
    promoted: int | None


def _goal(site: Site, head: Recorded, read: Callable[[int], LedgerEntry], to: str | None) -> _Goal:
    serial = head.entry.serial
    for stable in transitions.good(read, serial):
        if to in {None, stable.release}:
            return _Goal(stable.release, stable, stable.promoted)
    if to is not None:
        return _Goal(to, transitions.was_stable(read, serial, to), None)
    raise UndecidedError(
        f"nothing good was stable before {head.entry.state.stable.name}",
        where=site.name,
        fix="name a release with --to; `gatekeeper history` shows what was stable here",
    )


def _relied_on(found: Admission, earlier: LedgerEntry | None) -> ReliedOn:
    """What made it stable the first time still vouches for it."""
    return earlier.relied_on if earlier else rests_on(found)
