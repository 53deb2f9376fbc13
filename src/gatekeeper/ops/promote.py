"""Make a release stable in an environment, on a passing, fresh, signed verdict."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.core import transitions
from gatekeeper.core.admission import Admission, Moved
from gatekeeper.core.transitions import Change
from gatekeeper.model.ledger import LedgerEntry, ReliedOn
from gatekeeper.ops import ledger
from gatekeeper.ops.admission import examine

if TYPE_CHECKING:
    from datetime import datetime

    from gatekeeper.ops.site import Site
    from gatekeeper.ports import Signer


@dataclass(frozen=True, slots=True)
class Intent:
    """Who wants it, why, and how far to go.

    Attributes:
        dry_run: Check everything and write nothing.
        take_over: Go on from an entry whose key was revoked.
    """

    actor: str
    reason: str
    now: datetime
    dry_run: bool = False
    take_over: bool = False


def promote(site: Site, digest: str, intent: Intent, signer: Signer) -> Moved:
    """Promote a release to stable, or say everything that stands in the way.

    Raises:
        LostRaceError: Somebody else changed the environment meanwhile; says who.
        IntegrityError: The ledger is not sound.
    """
    head = ledger.head(site, take_over=intent.take_over)
    before = head.entry.state.stable.release if head else None
    again = before == digest
    entry = head.entry if head else None
    found = examine(site, digest, head=entry, now=intent.now, verdict=not again)
    if again or not found.admitted or found.release is None:
        return Moved(found, None, written=False, before=before)
    change = Change(
        release=digest,
        name=found.release.name,
        actor=intent.actor,
        reason=intent.reason,
        time=intent.now,
        relied_on=rests_on(found),
        terms=site.environment.terms,
    )
    if head is None:
        entry = transitions.first(site.name, secrets.token_hex(16), change)
    else:
        entry = transitions.following(head.tip, "promote", change)
    return carry_out(site, entry, found, before, intent, signer)


def carry_out(  # noqa: PLR0913, PLR0917 - what the two verbs share is what they have at the end
    site: Site,
    entry: LedgerEntry,
    found: Admission,
    before: str | None,
    intent: Intent,
    signer: Signer,
) -> Moved:
    """Write an entry, unless nothing is to be written."""
    if not intent.dry_run:
        ledger.append(site, entry, signer)
    return Moved(found, entry, written=not intent.dry_run, before=before)


def rests_on(found: Admission) -> ReliedOn:
    """The evidence of an admission, by digest."""
    evidence = found.evidence
    return ReliedOn(
        verdict=evidence.digest if evidence else None,
        evidence=(*found.signatures, *found.approvals),
        policy=evidence.verdict.policy if evidence else None,
    )
