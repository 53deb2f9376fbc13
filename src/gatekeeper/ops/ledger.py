"""Reading and extending a ledger: signatures, links and races."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from pydantic import ValidationError

from gatekeeper.core import dsse
from gatekeeper.core.chronicle import Recorded
from gatekeeper.errors import IntegrityError, LostRaceError
from gatekeeper.model.ledger import LedgerEntry
from gatekeeper.model.moment import rfc3339
from gatekeeper.model.statement import LEDGER_ENTRY, Statement

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatekeeper.ops.site import Site
    from gatekeeper.ports import Signer

RESTORE = "restore it from a copy of the ledger; `gatekeeper history` checks all of it"


def where(site: Site, serial: int) -> str:
    """How an entry is called in messages."""
    return f"{site.name}: ledger entry {serial:08d}.json"


def read_entry(site: Site, serial: int) -> Recorded:
    """Entry `serial`, its signature verified.

    The key has to have been valid at the time of the entry. Whether a revoked key still counts
    depends on later entries, so that is only noted.

    Raises:
        IntegrityError: It is missing, truncated, altered, signed by the wrong key, or not the
            entry that its file name says.
    """
    return verified(site, serial, site.ledger.read(serial))


def verified(site: Site, serial: int, data: bytes) -> Recorded:
    """`data` as entry `serial`; see `read_entry`."""
    place = where(site, serial)
    signed = site.verifier.verify(
        data, role="promote", predicate_type=LEDGER_ENTRY, where=place, lapsed=True
    )
    entry = _entry(signed.statement, place)
    if entry.serial != serial:
        raise _bad(f"it is entry {entry.serial}, under the name of another", place)
    if entry.environment != site.name:
        raise _bad(f"it belongs to the environment {entry.environment}", place)
    if not signed.statement.concerns(entry.state.stable.release):
        raise _bad("it is signed for another release than it makes stable", place)
    doubt = signed.key.refusal(entry.time)
    if doubt and signed.key.revokedAt is None:
        raise _bad(f"the signature is refused: {doubt}", place)
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    return Recorded(entry, digest, signed.key, doubt)


def head(site: Site, *, take_over: bool = False) -> Recorded | None:
    """The last entry, verified, with its link to the one before; None where there is none.

    Args:
        site: The environment.
        take_over: Accept an entry whose key was revoked, to go on from it with another key.

    Raises:
        IntegrityError: The entry, or its link, is not sound.
    """
    serial = site.ledger.head()
    if serial == 0:
        return None
    found = read_entry(site, serial)
    if found.doubt and not take_over:
        fix = "look at `gatekeeper history`; then --take-over goes on from it with your key"
        raise _refused(found.doubt, where(site, serial), fix)
    if serial > 1:
        before = hashlib.sha256(site.ledger.read(serial - 1)).hexdigest()
        if found.entry.previous != f"sha256:{before}":
            raise _bad("it does not follow the entry before it", where(site, serial))
    return found


def entries(site: Site) -> Callable[[int], LedgerEntry]:
    """A reader of verified entries that reads each only once."""
    known: dict[int, LedgerEntry] = {}

    def read(serial: int) -> LedgerEntry:
        """Entry `serial`, verified once."""
        if serial not in known:
            known[serial] = read_entry(site, serial).entry
        return known[serial]

    return read


def seal(entry: LedgerEntry, signer: Signer) -> bytes:
    """The entry as it is stored: a signed statement about the release that it makes stable."""
    stable = entry.state.stable
    statement = Statement.about(
        stable.release, LEDGER_ENTRY, entry.model_dump(mode="json"), name=stable.name
    )
    return dsse.seal(statement, signer.key_id, signer.sign)


def append(site: Site, entry: LedgerEntry, signer: Signer) -> Recorded:
    """Sign an entry and make it the last one.

    Raises:
        LostRaceError: Somebody else was first; says who, and what they did.
    """
    data = seal(entry, signer)
    # A key that nobody accepts here must not get its entry in.
    recorded = verified(site, entry.serial, data)
    if recorded.doubt:
        raise _refused(recorded.doubt, where(site, entry.serial), "sign with a current key")
    try:
        site.ledger.append(entry.serial, data)
    except LostRaceError as error:
        winner = read_entry(site, entry.serial).entry
        raise LostRaceError(
            f"lost the race: {described(winner)}",
            where=where(site, entry.serial),
            fix=error.fix,
        ) from None
    return recorded


def described(entry: LedgerEntry) -> str:
    """Who did what and when, in one line."""
    what = {"promote": "promoted", "rollback": "rolled back to"}[entry.action]
    stable = entry.state.stable
    digest = stable.release.removeprefix("sha256:")[:12]
    return f"{entry.actor} {what} {stable.name}@sha256:{digest} at {rfc3339(entry.time)}"


def _entry(statement: Statement, place: str) -> LedgerEntry:
    try:
        return LedgerEntry.model_validate_json(json.dumps(statement.predicate))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise IntegrityError(
            f"it is no entry that this version understands: {key}: {_plain(first['msg'])}",
            where=place,
            fix="if a later version of gatekeeper wrote it, use that version",
        ) from None


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")


def _refused(why: str, place: str, fix: str) -> IntegrityError:
    return IntegrityError(f"the signature is refused: {why}", where=place, fix=fix)


def _bad(what: str, place: str) -> IntegrityError:
    return IntegrityError(what, where=place, fix=RESTORE)
