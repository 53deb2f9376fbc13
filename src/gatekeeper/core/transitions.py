"""The ledger as a state machine: which entry may follow which, and what it must say. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatekeeper.model.ledger import Action, LedgerEntry, ReliedOn, Stable, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from gatekeeper.model.environment import Terms


@dataclass(frozen=True, slots=True)
class Tip:
    """The last entry, and the sha256 of its bytes that the next one has to name."""

    entry: LedgerEntry
    digest: str


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody wants to happen, and why.

    Attributes:
        release: Digest of the release that is to be stable.
        name: Its name.
        time: Now, as far as the writer knows.
        promoted: The entry that first brought the release; None where this one does.
        terms: What the environment asks; None where they stay what the last entry has.
    """

    release: str
    name: str
    actor: str
    reason: str
    time: datetime
    promoted: int | None = None
    relied_on: ReliedOn = field(default_factory=ReliedOn)
    terms: Terms | None = None


def first(environment: str, lineage: str, change: Change) -> LedgerEntry:
    """The promotion that starts a ledger."""
    return LedgerEntry(
        environment=environment,
        lineage=lineage,
        serial=1,
        previous=None,
        action="promote",
        actor=change.actor,
        reason=change.reason,
        time=change.time,
        state=_state(change, 1),
        relied_on=change.relied_on,
        terms=change.terms,
    )


def following(tip: Tip, action: Action, change: Change) -> LedgerEntry:
    """The entry that carries out a change after the last one."""
    before = tip.entry
    serial = before.serial + 1
    return LedgerEntry(
        environment=before.environment,
        lineage=before.lineage,
        serial=serial,
        previous=tip.digest,
        action=action,
        actor=change.actor,
        reason=change.reason,
        # Clocks differ between machines; the order of entries may not.
        time=max(change.time, before.time),
        state=_state(change, serial),
        relied_on=change.relied_on,
        terms=change.terms or before.terms,
    )


def _state(change: Change, serial: int) -> State:
    return State(
        stable=Stable(
            release=change.release,
            name=change.name,
            since=serial,
            promoted=change.promoted or serial,
        )
    )


def breaches(tip: Tip | None, entry: LedgerEntry) -> tuple[str, ...]:
    """Everything that makes `entry` no legal successor of `tip`; empty when it is one.

    Args:
        tip: The entry before it; None where `entry` has to be the first.
        entry: The entry.
    """
    found = [*_breaches_alone(entry)]
    found += _breaches_first(entry) if tip is None else _breaches_after(tip, entry)
    return tuple(found)


def _breaches_alone(entry: LedgerEntry) -> list[str]:
    stable = entry.state.stable
    found = []
    if stable.since != entry.serial:
        found.append(f"it says that its release became stable in entry {stable.since}")
    if entry.action == "promote" and stable.promoted != entry.serial:
        found.append(f"it promotes what it says was promoted by entry {stable.promoted}")
    return found


def _breaches_first(entry: LedgerEntry) -> list[str]:
    found = []
    if entry.serial != 1:
        found.append(f"the first entry has serial {entry.serial}")
    if entry.previous is not None:
        found.append("the first entry names a previous one")
    if entry.action != "promote":
        found.append(f"the first entry is a {entry.action}")
    return found


def _breaches_after(tip: Tip, entry: LedgerEntry) -> list[str]:
    before = tip.entry
    found = []
    if entry.serial != before.serial + 1:
        found.append(f"serial {entry.serial} follows serial {before.serial}")
    if entry.previous != tip.digest:
        found.append("it does not name the previous entry by its sha256")
    if entry.lineage != before.lineage:
        found.append(f"it belongs to another ledger (lineage {entry.lineage})")
    if entry.environment != before.environment:
        found.append(f"it belongs to the environment {entry.environment}")
    if entry.time < before.time:
        found.append("it is dated before the previous entry")
    if entry.state.stable.release == before.state.stable.release:
        found.append("it changes nothing: the same release was stable before")
    return found


def good(read: Callable[[int], LedgerEntry], head: int) -> Iterator[Stable]:
    """The releases that can be gone back to, nearest first.

    A release that was rolled back from is not good: after v1, v4 and a rollback to v1, there is
    nothing behind v1. Reads one entry a release, so that damage in others does not stand in the
    way of a rollback.

    Args:
        read: Gives an entry by serial.
        head: The last serial.
    """
    stable = read(head).state.stable
    while stable.promoted > 1:
        stable = read(stable.promoted - 1).state.stable
        yield stable


def was_stable(read: Callable[[int], LedgerEntry], head: int, release: str) -> Stable | None:
    """When a release was last stable in this ledger, the present included."""
    for serial in range(head, 0, -1):
        stable = read(serial).state.stable
        if stable.release == release:
            return stable
    return None
