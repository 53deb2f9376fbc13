"""The ledger as a state machine: which entry may follow which, and what it must say. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatekeeper.errors import UsageError
from gatekeeper.model.ledger import Action, LedgerEntry, ReliedOn, Stable, State

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


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
    """

    release: str
    name: str
    actor: str
    reason: str
    time: datetime
    relied_on: ReliedOn = field(default_factory=ReliedOn)


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
    )


def _state(change: Change, serial: int) -> State:
    return State(stable=Stable(release=change.release, name=change.name, since=serial))


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
    since = entry.state.stable.since
    if since != entry.serial:
        return [
            f"its stable release is said to be so since entry {since}, but it made it so itself"
        ]
    return []


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


def last_good(read: Callable[[int], LedgerEntry], head: int) -> Stable | None:
    """The release to go back to from the head: what was stable before the current one came.

    A release that was rolled back from is not good: after v1, v4, rollback to v1, there is nothing
    behind v1. Reads backwards and only as far as it must, so that damage in old entries does not
    stand in the way of a rollback.

    Args:
        read: Gives an entry by serial.
        head: The last serial.
    """
    serial, entry = head, read(head)
    while entry.action == "rollback":
        earlier = _stable_at(read, serial, entry.state.stable.release)
        if earlier is None:  # gone "back" to what was never stable here: a promotion in effect
            break
        serial, entry = earlier.since, read(earlier.since)
    return read(serial - 1).state.stable if serial > 1 else None


def was_stable(read: Callable[[int], LedgerEntry], head: int, release: str) -> Stable | None:
    """When a release was last stable in this ledger, the present included."""
    return _stable_at(read, head + 1, release)


def _stable_at(read: Callable[[int], LedgerEntry], below: int, release: str) -> Stable | None:
    for serial in range(below - 1, 0, -1):
        stable = read(serial).state.stable
        if stable.release == release:
            return stable
    return None


def require_change(tip: Tip, release: str, name: str) -> None:
    """Raise `UsageError` where `release` is what is stable already."""
    if tip.entry.state.stable.release == release:
        raise UsageError(
            f"{name} is stable already, since entry {tip.entry.state.stable.since}",
            where=tip.entry.environment,
        )
