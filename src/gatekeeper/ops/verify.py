"""May a release be served in an environment, and if not, why."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gatekeeper.core import transitions
from gatekeeper.core.admission import Admission, Reason, Standing, Verification
from gatekeeper.errors import IntegrityError
from gatekeeper.ops import ledger
from gatekeeper.ops.admission import examine
from gatekeeper.ops.evidence import relied_on

if TYPE_CHECKING:
    from datetime import datetime

    from gatekeeper.ops.site import Site


def verify(site: Site, digest: str, *, now: datetime) -> Verification:
    """Check a release against everything that the environment asks for.

    Raises:
        IntegrityError: The ledger is not sound.
    """
    head = ledger.head(site)
    if head is None:
        return Verification(site.name, "new", examine(site, digest, head=None, now=now))
    stable = head.entry.state.stable
    read = ledger.entries(site)
    earlier = transitions.was_stable(read, head.entry.serial, digest)
    found = examine(
        site,
        digest,
        head=head.entry,
        now=now,
        verdict=earlier is None,
    )
    if earlier is None:
        return Verification(site.name, "new", found)
    found = _vouched(site, found, read(earlier.since).relied_on.verdict)
    standing: Standing = "stable" if stable.release == digest else "was-stable"
    return Verification(site.name, standing, found, earlier)


def _vouched(site: Site, found: Admission, wanted: str | None) -> Admission:
    """The evidence that its entry relied on has to be there still."""
    if wanted is None or found.release is None:
        return found
    try:
        relied_on(site, found.digest, wanted)
    except IntegrityError as error:
        fix = "restore the store from a copy, or evaluate the release again"
        reason = Reason("evidence-missing", error.what, refused=True, fix=fix)
        return replace(found, reasons=(*found.reasons, reason))
    return found
