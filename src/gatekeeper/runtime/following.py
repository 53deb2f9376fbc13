"""What to do about a verified ledger head: pure rules, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from gatekeeper.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Mark:
    """The highest entry that has been served: the ledger may not fall behind it or change it."""

    lineage: str
    serial: int
    entry: str
    """sha256 of the entry's bytes."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a verified head asks for.

    Attributes:
        release: Digest of the stable release; None while nothing has been promoted.
        since: When the entry was made, as it says itself.
        facts: What else `/v1/release` tells: action, actor, keyring version.
    """

    lineage: str
    serial: int
    entry: str
    release: str | None
    since: str = ""
    workload: str | None = None
    facts: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def mark(self) -> Mark:
        """This head as the highest one served."""
        return Mark(self.lineage, self.serial, self.entry)


class Step(Enum):
    """What the follower does next."""

    keep = "keep"
    """The live release is what the head asks for."""
    wait = "wait"
    """The ledger is sound and nothing has been promoted."""
    restate = "restate"
    """A newer entry, the same release: the open pipeline goes on under the new serial."""
    open = "open"
    """Another release: open it, then swap it in whole."""


def decide(target: Target, *, live: Target | None, mark: Mark | None, anchor: str | None) -> Step:
    """The step that leads from `live` to `target`.

    Args:
        target: The verified head.
        live: What is being served.
        mark: The highest entry that was ever served here.
        anchor: sha256 of the entry that the ledger now holds at the mark's serial.

    Raises:
        IntegrityError: The ledger went back, was replaced, or its history was rewritten.
    """
    if mark is not None:
        _check(target, mark, anchor)
    if target.release is None:
        return Step.wait
    if live is None or live.release != target.release:
        return Step.open
    return Step.keep if live.mark == target.mark else Step.restate


def _check(target: Target, mark: Mark, anchor: str | None) -> None:
    where = f"ledger entry {target.serial}"
    if target.serial and target.lineage != mark.lineage:
        raise IntegrityError(
            f"this is another ledger: lineage {target.lineage}, {mark.lineage} was served",
            where=where,
            fix="point the environment at its own ledger",
        )
    if target.serial < mark.serial:
        raise IntegrityError(
            f"the ledger went back to entry {target.serial}; entry {mark.serial} was served",
            where=where,
            fix="restore the missing entries; `gatekeeper rollback` is one more entry, not less",
        )
    if anchor != mark.entry:
        raise IntegrityError(
            f"entry {mark.serial} is not the one that was served: history was rewritten",
            where=f"ledger entry {mark.serial}",
            fix="restore the entry from a copy and look for who changed it",
        )
