"""A metric of a run, whatever a policy asks about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MetricValue:
    """A metric of a run, or of the difference between two.

    Attributes:
        unit: As `gatekeeper.core.wording.number` takes it.
        low: One-sided bound at 95 %; null where the data give none.
        n: Samples, pairs of samples, or exposures.
        candidate: The candidate's own value, in a difference.
        missing: Why there is no value.
    """

    metric: str
    section: str
    unit: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    candidate: float | None = None
    baseline: float | None = None
    missing: str = ""
