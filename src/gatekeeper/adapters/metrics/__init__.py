"""Measuring a run: the metrics' SQL over its tables, down to what a decision needs."""

from gatekeeper.adapters.metrics.measurements import RunMeasurements

__all__ = ["RunMeasurements"]
