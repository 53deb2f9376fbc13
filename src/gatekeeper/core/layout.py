"""The conversations of a run, counted through, and which of them have been recorded.

A conversation is known by its place: sets, samples, replicates and arms are counted through, so
that a million of them are an array of integers, and a bit each says what is finished.
"""

from __future__ import annotations

import random
from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gatekeeper.model.record import Arm


@dataclass(frozen=True, slots=True)
class Share:
    """What is asked of one eval set.

    Attributes:
        name: Of the set; unique in a run.
        numbers: The samples that are asked.
        arms: Who is asked, the candidate first.
    """

    name: str
    numbers: Sequence[int]
    replicates: int = 1
    arms: tuple[Arm, ...] = ("candidate",)

    @property
    def size(self) -> int:
        """Conversations."""
        return len(self.numbers) * self.replicates * len(self.arms)


@dataclass(frozen=True, slots=True)
class Place:
    """One conversation: sample `number` of the set `share`, for one arm."""

    share: int
    number: int
    replicate: int
    arm: Arm

    def key(self, shares: Sequence[Share]) -> str:
        """What its records are called, in this run and in every resumption of it."""
        return f"{shares[self.share].name}/{self.number}/{self.replicate}/{self.arm}"


class Layout:
    """All conversations of a run, counted through."""

    def __init__(self, shares: Sequence[Share]) -> None:
        self.shares = tuple(shares)
        self._starts = [0, *accumulate(share.size for share in shares)]
        self._by_name = {share.name: index for index, share in enumerate(shares)}
        self._positions = [_positions(share.numbers) for share in shares]

    def __len__(self) -> int:
        return self._starts[-1]

    def place(self, index: int) -> Place:
        """The conversation with this number."""
        which = bisect_right(self._starts, index) - 1
        share = self.shares[which]
        rest, arm = divmod(index - self._starts[which], len(share.arms))
        position, replicate = divmod(rest, share.replicates)
        return Place(which, share.numbers[position], replicate, share.arms[arm])

    def index(self, key: str) -> int | None:
        """The number of the conversation that a key names; None where it is none of this run."""
        name, *rest = key.rsplit("/", 3)
        which = self._by_name.get(name)
        if which is None or len(rest) != 3:  # noqa: PLR2004 - number, replicate, arm
            return None
        share = self.shares[which]
        number, replicate, arm = rest
        if not number.isdecimal() or not replicate.isdecimal() or arm not in share.arms:
            return None
        position = self._position(which, int(number))
        if position is None or int(replicate) >= share.replicates:
            return None
        place = position * share.replicates + int(replicate)
        return self._starts[which] + place * len(share.arms) + share.arms.index(arm)

    def _position(self, which: int, number: int) -> int | None:
        known = self._positions[which]
        if known is not None:
            return known.get(number)
        return number if number < len(self.shares[which].numbers) else None

    def shuffled(self, which: Iterable[int], seed: int) -> array[int]:
        """The conversations of some shares, in random order."""
        order = array("Q")
        for share in which:
            order.extend(range(self._starts[share], self._starts[share + 1]))
        random.Random(seed).shuffle(order)  # noqa: S311 - an order
        return order


def _positions(numbers: Sequence[int]) -> dict[int, int] | None:
    """Where each number stands, unless the numbers are all of a set in their order."""
    if isinstance(numbers, range):
        return None
    return {number: position for position, number in enumerate(numbers)}


@dataclass(slots=True)
class Finished:
    """Which conversations of a layout have been recorded: a bit each, and how many a share."""

    layout: Layout
    count: int = 0
    _bits: bytearray = field(init=False)

    def __post_init__(self) -> None:
        self._bits = bytearray((len(self.layout) + 7) // 8)

    def add(self, index: int) -> bool:
        """Mark one; whether it was not marked before."""
        byte, bit = index >> 3, 1 << (index & 7)
        new = not self._bits[byte] & bit
        self._bits[byte] |= bit
        self.count += new
        return new

    def __contains__(self, index: int) -> bool:
        return bool(self._bits[index >> 3] & 1 << (index & 7))
