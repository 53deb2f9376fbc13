"""How much each unit moves a function of sums, and the variance that follows, exactly."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.core.observation import Sums

FEWEST_UNITS: Final = 2
"""One unit has no spread."""


def clusters(seen: Sums) -> int:
    """Groups of samples that the units are; 0 where each sample is a unit of its own."""
    return seen.n if seen.samples and seen.samples != seen.n else 0


def samples(seen: Sums) -> int:
    """Distinct samples."""
    return seen.samples or seen.n


def variance(seen: Sums, gradient: Sequence[Fraction]) -> Fraction:
    """Variance of a function of the totals that does not change if all of them grow alike.

    `gradient` has its derivatives by the totals. The influence of a unit is its columns times
    these, and the influences of all units sum to zero; the variance is n / (n - 1) times the sum
    of their squares. With clusters as units this is the cluster-robust variance with its
    correction for few clusters: Deng, Knoblich and Lu (2018), "Applying the delta method in metric
    analytics", KDD, section 3; Cameron and Miller (2015), Journal of Human Resources 50:317-372,
    section II.B.
    """
    squares = sum(
        (
            left * right * seen.products[i][j]
            for i, left in enumerate(gradient)
            for j, right in enumerate(gradient)
        ),
        start=Fraction(),
    )
    return squares * seen.n / (seen.n - 1)
