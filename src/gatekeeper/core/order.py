"""When each is asked, and with which seed: pure, and the same for the same seed of the run."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.core.layout import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.model.evalset import Load
    from gatekeeper.model.record import Arm


@dataclass(frozen=True, slots=True)
class Due:
    """A conversation of a load suite and when it is sent, in microseconds from the start."""

    place: Place
    due_us: int


def timetable(
    share: int, numbers: Sequence[int], arms: Sequence[Arm], load: Load, seed: str
) -> list[Due]:
    """When each sample of a load suite is due at each arm, at the declared rate for each.

    The arms take turns in random order, sample by sample.

    Args:
        share: Number of the suite in its layout.
        numbers: Its samples.
        arms: Who is asked.
        load: What the suite declares.
        seed: Of the order and the arrivals.
    """
    rng = random.Random(seed)  # noqa: S311 - an order, not a secret
    arms, numbers = list(arms), list(numbers)
    rate = load.rate_per_second * len(arms)
    rng.shuffle(numbers)
    due, found = 0.0, []
    for number in numbers:
        rng.shuffle(arms)
        for arm in arms:
            due += rng.expovariate(rate) if load.arrivals == "poisson" else 1 / rate
            found.append(Due(Place(share, number, 0, arm), round(due * 1e6)))
    return found


def turns(count: int, seed: int) -> tuple[int, ...]:
    """The order in which crews that cannot be loaded together take their turns: there and back.

    Each has two turns, one early and one late, so that a drift of the machine meets all alike
    (a counterbalanced order); the one in the middle has its two in a row.
    """
    if count == 1:
        return (0,)
    order = list(range(count))
    random.Random(f"turns/{seed}").shuffle(order)  # noqa: S311 - an order
    return (*order, *reversed(order))


def derived_seed(seed: int, replicate: int) -> int:
    """The sampling seed of a replicate: the release's own for the first, another for each next."""
    if replicate == 0:
        return seed
    return random.Random(f"{seed}/{replicate}").getrandbits(31)  # noqa: S311 - a seed
