"""Slices as a map: which of them a rule holds in, told by colour and by words."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from gatekeeper.report.markup import short_name
from gatekeeper.report.outcomes import MARKS, ORDER, column, spoken, upper
from gatekeeper.report.page.tags import Html, breakable, join, scrolled, tag
from gatekeeper.report.story import worst_slices
from gatekeeper.report.verdict_table import label

if TYPE_CHECKING:
    from gatekeeper.model.verdict import RuleResult, SliceResult, Verdict


def heat(verdict: Verdict) -> Html | None:
    """A table for each key that rules are sliced by; null where none is."""
    ways = list(dict.fromkeys(rule.by for rule in verdict.rules if rule.slices))
    if not ways:
        return None
    note = (
        "Blue is inside the limit, orange beyond it; strong colour is shown by the data, weak is "
        "only the estimate. The worst slices stand first."
    )
    tables = [
        _table(by, [one for one in verdict.rules if one.slices and one.by == by]) for by in ways
    ]
    return tag("section", tag("h2", "Slices", id="slices"), tag("p", note), *tables)


def _table(by: str, rules: list[RuleResult]) -> Html:
    found = {rule.rule: {one.value: one for one in rule.slices} for rule in rules}
    values = _order(rules)
    heads = [tag("th", by or "slice", scope="col")]
    heads += [tag("th", breakable(f"{rule.section}.{label(rule)}"), scope="col") for rule in rules]
    rows = [
        tag(
            "tr",
            tag("th", short_name(value), scope="row"),
            *(_cell(rule, found[rule.rule].get(value)) for rule in rules),
        )
        for value in values
    ]
    whole = tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *rows))
    return scrolled(whole, f"Slices by {by}" if by else "Slices", "heat")


def _order(rules: list[RuleResult]) -> list[str]:
    """Values of the key: those that fail a rule first, then those that do worst on the whole."""
    worst: dict[str, int] = {}
    places: dict[str, list[int]] = {}
    for rule in rules:
        for place, one in enumerate(worst_slices(rule)):
            rank = ORDER.index(one.outcome)
            worst[one.value] = min(rank, worst.get(one.value, rank))
            places.setdefault(one.value, []).append(place)
    return sorted(places, key=lambda value: (worst[value], fmean(places[value])))


def _cell(rule: RuleResult, one: SliceResult | None) -> Html:
    if one is None:
        return tag("td", "", class_="none")
    shown = column(one.estimate, rule.unit) if one.estimate is not None else spoken(one.outcome)
    between = ""
    if one.low is not None and one.high is not None:
        unit = "rate" if rule.test == "census" else rule.unit
        between = f"{column(one.low, unit)} … {column(one.high, unit)}, "
    small = tag("small", f"{between}n {one.n:,}")
    mark = f"{MARKS[one.outcome][0]} "
    return tag("td", join(mark, f"{shown} "), small, class_=_shade(rule, one))


def _shade(rule: RuleResult, one: SliceResult) -> str:
    if one.outcome == "pass":
        return "in2"
    if one.outcome == "fail":
        return "out2"
    if one.estimate is None or rule.limit is None or one.outcome != "inconclusive":
        return "none"
    inside = one.estimate <= rule.limit if upper(rule) else one.estimate >= rule.limit
    return "in1" if inside else "out1"
