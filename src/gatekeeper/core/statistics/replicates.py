"""How much of what varies lies between samples, and how much between replicates of one."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Replicated:
    """Exact sums over the samples that have the same number of replicates.

    Attributes:
        replicates: Of each of these samples.
        samples: How many there are.
        total: Sum of all values.
        squared_totals: Sum over samples of the square of a sample's total.
        squares: Sum of the squares of all values.
    """

    replicates: int
    samples: int
    total: int
    squared_totals: int
    squares: int


@dataclass(frozen=True, slots=True)
class Components:
    """The two variances of one value.

    Attributes:
        between: Variance of what samples are on average; zero where replicates explain it all.
        within: Variance of the replicates of one sample.
        samples: Samples.
        values: Values, all replicates counted.
    """

    between: float
    within: float
    samples: int
    values: int

    @property
    def likeness(self) -> float | None:
        """Share of the variance that lies between samples; None where nothing varies."""
        whole = self.between + self.within
        return self.between / whole if whole > 0 else None


def variance_components(strata: Sequence[Replicated]) -> Components | None:
    """Analysis of variance with samples drawn at random, for any numbers of replicates.

    Searle, Casella and McCulloch (1992), "Variance components", section 3.6;
    a negative estimate between samples is given as zero. None below two samples, or where no
    sample has a second replicate.
    """
    samples = sum(part.samples for part in strata)
    values = sum(part.samples * part.replicates for part in strata)
    if samples < 2 or values == samples:  # noqa: PLR2004 - one sample has no spread
        return None
    total = sum(part.total for part in strata)
    by_sample = sum((Fraction(part.squared_totals, part.replicates) for part in strata), Fraction())
    sizes = sum(part.samples * part.replicates**2 for part in strata)
    within = (sum(part.squares for part in strata) - by_sample) / (values - samples)
    between = (by_sample - Fraction(total * total, values)) / (samples - 1)
    typical = (values - Fraction(sizes, values)) / (samples - 1)
    component = max((between - within) / typical, Fraction())
    return Components(float(component), float(within), samples, values)
