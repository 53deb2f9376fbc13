"""What is live in an environment, since when, by whom, and on what evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gatekeeper.core.chronicle import Status
from gatekeeper.errors import IntegrityError
from gatekeeper.model.statement import RELEASE_SIGNATURE
from gatekeeper.ops import ledger
from gatekeeper.ops.evidence import relied_on

if TYPE_CHECKING:
    from gatekeeper.ops.site import Site


def status(site: Site) -> Status:
    """Read the head and look at everything that it names.

    Raises:
        IntegrityError: The head is not sound.
        UnavailableError: The ledger cannot be read.
    """
    head = ledger.head(site)
    if head is None:
        return Status(site.name)
    digest = head.entry.state.stable.release
    found = Status(site.name, head, keys=(("promote", head.key),))
    for look in (_release, _signature, _verdict):
        try:
            found = look(site, digest, found)
        except IntegrityError as error:
            found = replace(found, problems=(*found.problems, error.what))
    return found


def _release(site: Site, digest: str, found: Status) -> Status:
    return replace(found, release=site.releases.load(digest))


def _signature(site: Site, digest: str, found: Status) -> Status:
    why = "the release is not signed"
    for _, bundle in site.releases.referrers(digest, RELEASE_SIGNATURE):
        try:
            key = site.verifier.verify(
                bundle, role="release", predicate_type=RELEASE_SIGNATURE, subject=digest
            ).key
        except IntegrityError as error:
            why = f"the release: {error.what}"
        else:
            return replace(found, keys=(*found.keys, ("release", key)))
    raise IntegrityError(why)


def _verdict(site: Site, digest: str, found: Status) -> Status:
    wanted = found.head.entry.relied_on.verdict if found.head else None
    if wanted is None:
        return found
    evidence = relied_on(site, digest, wanted)
    keys = (*found.keys, ("gate", evidence.key))
    return replace(found, verdict=evidence.verdict, keys=keys)
