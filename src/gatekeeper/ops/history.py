"""The history of an environment, verified from the first entry to the last."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gatekeeper.core import transitions
from gatekeeper.core.chronicle import History, Line
from gatekeeper.errors import IntegrityError
from gatekeeper.ops import ledger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatekeeper.core.chronicle import Recorded
    from gatekeeper.ops.site import Site


def history(site: Site) -> History:
    """Read and verify the whole ledger: signatures, roles, order, links, lineage, legality, gaps.

    Raises:
        UnavailableError: The ledger cannot be read at all.
    """
    lines: list[Line] = []
    before: _Before = _Before(None, None)
    for serial in site.ledger.serials():
        expected = lines[-1].serial + 1 if lines else 1
        if serial != expected:
            lines.append(_gap(expected, serial - 1))
            before = _Before(None, None)
        line, before = _line(site, serial, before)
        lines.append(line)
    return History(site.name, tuple(reversed(list(_weighed(reversed(lines))))))


@dataclass(frozen=True, slots=True)
class _Before:
    """The previous entry: its bytes' digest even where nothing else of it can be trusted."""

    digest: str | None
    recorded: Recorded | None


def _gap(start: int, end: int) -> Line:
    which = f"entry {start} is" if start == end else f"entries {start} to {end} are"
    return Line(end, None, (f"{which} missing",))


def _line(site: Site, serial: int, before: _Before) -> tuple[Line, _Before]:
    digest = None
    try:
        data = site.ledger.read(serial)
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        recorded = ledger.verified(site, serial, data)
    except IntegrityError as error:
        return Line(serial, None, (error.what,)), _Before(digest, None)
    return Line(serial, recorded, _linked(recorded, before)), _Before(digest, recorded)


def _linked(recorded: Recorded, before: _Before) -> tuple[str, ...]:
    entry = recorded.entry
    if entry.serial == 1 or before.recorded is not None:
        tip = before.recorded.tip if before.recorded else None
        return transitions.breaches(tip, entry)
    # The entry before is damaged; its bytes may still be the ones that this one followed.
    if entry.previous == before.digest:
        return ()
    return ("the previous entry is not the one that it followed",)


def _weighed(lines: Iterable[Line]) -> Iterable[Line]:
    """From the last entry back: what a revoked key signed counts if another key vouched for it.

    Every entry names its predecessor by digest, so that whoever signed a later entry vouched for
    all before it.
    """
    vouchers: set[str] = set()
    for line in lines:
        recorded = line.recorded
        if recorded is None:
            yield line
        elif not recorded.doubt:
            vouchers.add(recorded.key.id)
            yield line
        elif vouchers:
            yield replace(line, note=f"{recorded.doubt}; a later entry vouches for this one")
        else:
            found = f"the signature is refused: {recorded.doubt}, and no later entry vouches for it"
            yield replace(line, findings=(*line.findings, found))
