"""What an environment asks a runtime to serve: its ledger verified, its release admitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.core import transitions
from gatekeeper.errors import IntegrityError, UndecidedError
from gatekeeper.ops import ledger
from gatekeeper.ops.admission import examine
from gatekeeper.ops.evidence import relied_on

if TYPE_CHECKING:
    from datetime import datetime

    from gatekeeper.core.admission import Admission
    from gatekeeper.core.chronicle import Recorded
    from gatekeeper.model.ledger import LedgerEntry
    from gatekeeper.model.release import Release
    from gatekeeper.ops.site import Site


def follow(site: Site, serial: int, *, known: Recorded | None) -> Recorded:
    """Entry `serial`, with every entry between `known` and it verified and legal.

    Args:
        site: The environment.
        serial: At least 1.
        known: An entry that was verified before, so that only what came after it is read; the
            whole ledger is read where it is None or later than `serial`.

    Raises:
        IntegrityError: An entry, or its link to the one before, is not sound.
    """
    before = known if known and known.entry.serial <= serial else None
    if before and before.entry.serial == serial:
        return _unchanged(site, before)
    found = _next(site, before.entry.serial + 1 if before else 1, before)
    while found.entry.serial < serial:
        found = _next(site, found.entry.serial + 1, found)
    return _trusted(site, found)


def admit(site: Site, entry: LedgerEntry, *, now: datetime) -> Release:
    """The stable release of a verified entry, if it may be served.

    Its content, signature, model files and place are checked as for a promotion; of the verdict,
    that the one which the entry relied on is there and signed.

    Raises:
        IntegrityError: It may not.
        UndecidedError: It may not for now: something that is needed is out of reach.
    """
    digest = entry.state.stable.release
    found = examine(site, digest, head=entry, now=now, verdict=False)
    if found.release is None or not found.admitted:
        raise _refusal(site, found)
    if entry.relied_on.verdict is not None:
        relied_on(site, digest, entry.relied_on.verdict)
    return found.release


def _next(site: Site, serial: int, before: Recorded | None) -> Recorded:
    found = ledger.read_entry(site, serial)
    breaches = transitions.breaches(before.tip if before else None, found.entry)
    if breaches:
        raise IntegrityError(
            "; ".join(breaches), where=ledger.where(site, serial), fix=ledger.RESTORE
        )
    return found


def _unchanged(site: Site, known: Recorded) -> Recorded:
    serial = known.entry.serial
    found = ledger.read_entry(site, serial)
    if found.digest != known.digest:
        raise IntegrityError(
            "it is another entry than before", where=ledger.where(site, serial), fix=ledger.RESTORE
        )
    return _trusted(site, found)


def _trusted(site: Site, found: Recorded) -> Recorded:
    """The last entry: nobody vouches for a key that was revoked but the ones who come after it."""
    if found.doubt:
        raise IntegrityError(
            f"the signature is refused: {found.doubt}",
            where=ledger.where(site, found.entry.serial),
            fix="look at `gatekeeper history`; `gatekeeper promote --take-over` goes on from it",
        )
    return found


def _refusal(site: Site, found: Admission) -> IntegrityError | UndecidedError:
    what = "; ".join(reason.text for reason in found.reasons)
    fix = next((reason.fix for reason in found.reasons if reason.fix), "")
    where = f"{site.name}: release {found.digest}"
    refused = any(reason.refused for reason in found.reasons)
    return (IntegrityError if refused else UndecidedError)(what, where=where, fix=fix)
