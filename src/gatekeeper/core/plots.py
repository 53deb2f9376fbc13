"""What pictures of a run are drawn from: counts and points instead of samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

BINS: Final = 100


@dataclass(frozen=True, slots=True)
class Sketch:
    """The distribution of one quantity on one side.

    Attributes:
        counts: Samples in each of `BINS` bins of equal width; the last one holds all above, too.
        p50: The median.
        p95: What 95 % of the samples do not exceed.
    """

    n: int
    counts: tuple[int, ...]
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Distribution:
    """One quantity of every sample, for the candidate and for what it is compared with.

    Attributes:
        what: What it is, such as ``latency of a sample``.
        unit: As `gatekeeper.core.wording.number` takes it.
        suite: The suite that it was measured on.
        low: Where the first bin begins.
        high: Where the last bin ends; what lies above is in it.
    """

    what: str
    unit: str
    suite: str
    low: float
    high: float
    candidate: Sketch
    baseline: Sketch | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """What a release costs and how good it is, with bounds where the data give any.

    Attributes:
        label: Which release it is, or which run found it.
        cost: USD a resolved request.
        quality: Share of samples that were resolved.
    """

    label: str
    kind: Literal["candidate", "baseline", "earlier"]
    cost: float
    quality: float
    cost_low: float | None = None
    cost_high: float | None = None
    quality_low: float | None = None
    quality_high: float | None = None


@dataclass(frozen=True, slots=True)
class Plots:
    """Everything that is drawn beside the rules."""

    distributions: tuple[Distribution, ...] = ()
    plane: tuple[Point, ...] = ()


def frontier(points: Sequence[Point]) -> list[Point]:
    """The points that no other beats in both cost and quality, the cheapest first."""
    found: list[Point] = []
    for point in sorted(points, key=lambda one: (one.cost, -one.quality)):
        if not found or point.quality > found[-1].quality:
            found.append(point)
    return found
