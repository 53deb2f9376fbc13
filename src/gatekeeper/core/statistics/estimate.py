"""What every method returns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value between two one-sided bounds; None is a bound that the data cannot give.

    Attributes:
        n: Independent units it rests on.
        method: Name of the method, with its assumption where it makes one.
        candidate: The candidate's own value, in a comparison.
        baseline: The baseline's.
        seed: Of the resampling, where there was any.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    method: str
    candidate: float | None = None
    baseline: float | None = None
    seed: int | None = None
