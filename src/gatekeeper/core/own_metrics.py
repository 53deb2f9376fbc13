"""Metrics of a policy's own, in the words of the library's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.core.metrics.metric import Metric

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatekeeper.model.policy import OwnMetric

SOURCE: Final = "the policy's own SQL"


def own_metrics(given: Mapping[str, OwnMetric]) -> dict[str, Metric]:
    """The metrics that a policy defines, by name."""
    return {name: own_metric(name, own) for name, own in given.items()}


def own_metric(name: str, own: OwnMetric) -> Metric:
    """One of them; its `sql` is the author's and has other columns than the library's."""
    return Metric(
        name=name,
        section=own.section,
        kind=own.kind,
        unit=own.unit,
        definition=own.definition,
        source=SOURCE,
        nulls="a value that is null is an error of the rule",
        look_at=own.look_at,
        sql=own.sql,
        suites=own.suites,
        scale=own.scale,
        quantile=own.quantile,
        better=own.better,
    )
