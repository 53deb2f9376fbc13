"""Gather what was decided in a time and what came of it: verdicts, and the ledgers they led to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.core.policy.report import promotions
from gatekeeper.errors import IntegrityError
from gatekeeper.ops.evidence import relied_on
from gatekeeper.ops.history import history

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from gatekeeper.core.policy.report import Promotion
    from gatekeeper.model.ledger import LedgerEntry
    from gatekeeper.model.verdict import Verdict
    from gatekeeper.ops.site import Site


def promoted(site: Site, since: datetime | None, within: timedelta) -> tuple[Promotion, ...]:
    """The promotions of an environment whose verdicts are still there.

    Args:
        site: The environment.
        since: Promotions before it are left out, though not what came of them.
        within: How soon a rollback has to follow to count.

    Raises:
        UnavailableError: The ledger cannot be read at all.
    """
    lines = history(site).lines
    entries = [line.recorded.entry for line in lines if line.recorded and not line.findings]
    verdicts = {entry.relied_on.verdict or "": _verdict(site, entry) for entry in entries}
    known = {name: found for name, found in verdicts.items() if found is not None}
    found = promotions(site.name, entries, known, within)
    return tuple(one for one in found if since is None or one.entry.time >= since)


def _verdict(site: Site, entry: LedgerEntry) -> Verdict | None:
    wanted = entry.relied_on.verdict
    if wanted is None:
        return None
    try:
        return relied_on(site, entry.state.stable.release, wanted).verdict
    except IntegrityError:  # `gatekeeper status` and `history` say what is wrong with a ledger
        return None
