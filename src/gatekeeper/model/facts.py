"""Declared facts: what no request knows, such as hours of review, and who says so."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from gatekeeper.model.base import ApiVersion, Frozen, ShortText
from gatekeeper.model.prices import CalendarDate

if TYPE_CHECKING:
    from collections.abc import Mapping

FactName = Literal[
    "review_hours",
    "rework_hours",
    "remediation_hours",
    "delivery_hours",
    "review_usd_per_hour",
    "incident_usd",
    "rework_usd",
    "failure_usd",
    "baseline_failure_usd",
    "escalation_usd",
    "infrastructure_usd",
    "retrieval_usd",
    "verified_changes",
    "energy_joule_per_token",
    "kwh_per_request",
    "grid_gco2e_per_kwh",
    "embodied_gco2e_per_request",
]
FactUnit = Literal[
    "hours",
    "usd",
    "usd_per_hour",
    "changes",
    "joule_per_token",
    "kwh_per_request",
    "gco2e_per_kwh",
    "gco2e_per_request",
]
MEANING: Final[dict[FactName, tuple[FactUnit, str]]] = {
    "review_hours": ("hours", "people spent looking at what came out, in the period"),
    "rework_hours": ("hours", "people spent mending what came out"),
    "remediation_hours": ("hours", "people spent on evaluations that failed"),
    "delivery_hours": ("hours", "people spent on the work that was assisted, in all"),
    "review_usd_per_hour": ("usd_per_hour", "what an hour of review costs"),
    "incident_usd": ("usd", "cost of incidents that the releases caused"),
    "rework_usd": ("usd", "cost of mending, beside hours of review"),
    "failure_usd": ("usd", "cost of failures in the period"),
    "baseline_failure_usd": ("usd", "cost of failures in a period of the same length before"),
    "escalation_usd": ("usd", "what people cost who took over tasks"),
    "infrastructure_usd": ("usd", "machines and services beside priced model calls"),
    "retrieval_usd": ("usd", "stores, embeddings and searches of documents"),
    "verified_changes": ("changes", "changes that were released and verified"),
    "energy_joule_per_token": ("joule_per_token", "energy of one token of any class"),
    "kwh_per_request": ("kwh_per_request", "energy of one request, where no figure a token exists"),
    "grid_gco2e_per_kwh": ("gco2e_per_kwh", "what a kWh emits where the machines stand"),
    "embodied_gco2e_per_request": (
        "gco2e_per_request",
        "a request's share of what the machines emitted before they ran",
    ),
}
"""Unit and meaning of every fact that a metric can read."""
Amount = Annotated[float, Field(ge=0, le=1e15)]


class Period(Frozen):
    """The days that the facts are about, both included."""

    start: Annotated[CalendarDate, Field(alias="from")]
    end: Annotated[CalendarDate, Field(alias="to")]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end < self.start:
            raise ValueError("`to` is before `from`")
        return self


class Fact(Frozen):
    """One fact: a number, and how far it may be off."""

    name: FactName
    value: Amount
    unit: FactUnit
    low: Amount | None = None
    """The least that it may be; the value itself where it is exact."""
    high: Amount | None = None
    source: ShortText
    """Where the number comes from: an invoice, a time sheet, a measurement."""
    recorded_by: ShortText

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        unit = MEANING[self.name][0]
        if self.unit != unit:
            raise ValueError(f"{self.name} is in {unit}, not in {self.unit}")
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        if not low <= self.value <= high:
            raise ValueError("`low` and `high` must lie around `value`")
        return self


class Facts(Frozen):
    """Facts about one period, declared by an owner."""

    apiVersion: ApiVersion  # noqa: N815
    kind: Literal["Facts"]
    owner: ShortText
    period: Period
    facts: Annotated[tuple[Fact, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        names = [fact.name for fact in self.facts]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"declared twice: {', '.join(twice)}")
        return self

    @cached_property
    def values(self) -> Mapping[str, float]:
        """Every fact by name."""
        return {fact.name: fact.value for fact in self.facts}

    @cached_property
    def lows(self) -> Mapping[str, float]:
        """The least that each may be."""
        return {one.name: one.value if one.low is None else one.low for one in self.facts}

    @cached_property
    def highs(self) -> Mapping[str, float]:
        """The most that each may be."""
        return {one.name: one.value if one.high is None else one.high for one in self.facts}
