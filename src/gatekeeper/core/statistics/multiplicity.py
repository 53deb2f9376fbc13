"""p-values of several rules, adjusted for how many chances there were."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def holm(values: Sequence[float | None]) -> list[float | None]:
    """Adjusted p-values that bound the chance of even one false finding.

    Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6:65-70. What has no p-value keeps none and counts as no test.
    """

    def adjusted(rising: list[float]) -> list[float]:
        """Adjusted p-values of rising ones: each at least as large as those before it."""
        count = len(rising)
        steps = (min((count - rank) * p, 1.0) for rank, p in enumerate(rising))
        return list(accumulate(steps, max))

    return _in_place(values, adjusted)


def benjamini_hochberg(values: Sequence[float | None]) -> list[float | None]:
    """Adjusted p-values that bound the expected share of false ones among the findings.

    Benjamini and Hochberg (1995), "Controlling the false discovery rate", Journal of the Royal
    Statistical Society B 57:289-300; for tests that are independent or positively dependent. What
    has no p-value keeps none and counts as no test.
    """

    def adjusted(rising: list[float]) -> list[float]:
        """Adjusted p-values of rising ones: each at most as large as those after it."""
        count = len(rising)
        steps = (min(count / rank * rising[rank - 1], 1.0) for rank in range(count, 0, -1))
        return list(accumulate(steps, min))[::-1]

    return _in_place(values, adjusted)


def _in_place(
    values: Sequence[float | None], adjust: Callable[[list[float]], list[float]]
) -> list[float | None]:
    """`adjust` applied to the sorted values that exist, each result at the place of its value."""
    known = sorted((value, place) for place, value in enumerate(values) if value is not None)
    found: list[float | None] = [None] * len(values)
    for (_, place), value in zip(known, adjust([value for value, _ in known]), strict=True):
        found[place] = value
    return found
