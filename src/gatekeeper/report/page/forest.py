"""Every rule against its limit, which is one vertical line for all of them."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from gatekeeper.report.outcomes import amount, column, spoken, upper
from gatekeeper.report.page.summary import mark
from gatekeeper.report.page.tags import Html, breakable, picture, spaced, tag
from gatekeeper.report.story import measured
from gatekeeper.report.verdict_table import label

if TYPE_CHECKING:
    from gatekeeper.model.verdict import RuleResult, Verdict

_WIDTH: Final = 400.0
_HEIGHT: Final = 24.0
_MIDDLE: Final = 260.0
"""Where the limit stands: most rules are inside it, so that side has more room."""
_EDGE: Final = 8.0


def forest(verdict: Verdict) -> Html:
    """A row a rule: its interval beside the limit, drawn to the scale of what it shows."""
    rows: list[Html] = []
    for section, members in groupby(verdict.rules, key=lambda rule: rule.section):
        sides = tag(
            "span",
            spaced(tag("span", "← inside the limit"), tag("span", "beyond →")),
            class_="sides",
        )
        rows.append(tag("div", spaced(tag("span", section), sides), class_="row group"))
        rows += [_row(rule) for rule in members]
    note = (
        "The vertical line is each rule's limit; right of it is beyond it, whichever way the rule "
        "points. The dot is the estimate, the bar what is compatible with it: each end is a bound "
        "at the rule's own confidence, 95 % where the policy says nothing else. Every row has a "
        "scale of its own."
    )
    return tag(
        "section",
        tag("h2", "Rules against their limits", id="limits"),
        tag("p", note),
        tag("div", *rows, class_="forest"),
    )


def _row(rule: RuleResult) -> Html:
    name = tag("span", mark(rule.outcome), breakable(label(rule)), title=rule.reason)
    return tag("div", spaced(name, _picture(rule), _values(rule)), class_="row")


def _values(rule: RuleResult) -> Html:
    if not measured(rule):
        return tag("span", spoken(rule.outcome), class_="values")
    ends = [column(one, rule.unit) for one in (rule.low, rule.high) if one is not None]
    between = f"{' … '.join(ends)}" if ends else "no bounds"
    side = "≤" if upper(rule) else "≥"
    shown = f"{amount(rule.estimate, rule.unit)} {side} {amount(rule.limit, rule.unit)}"
    return tag("span", f"{shown} ", tag("small", between), class_="values")


def _picture(rule: RuleResult) -> Html:
    """The row's picture, or what was found in words where nothing can be drawn."""
    places = _places(rule)
    if places is None:
        return tag("span", rule.reason, class_="note")
    low, estimate, high = places
    middle = _HEIGHT / 2
    shapes = [
        tag("rect", x=_MIDDLE, y=0, width=_WIDTH - _MIDDLE, height=_HEIGHT, class_="beyond"),
        _line(_MIDDLE, 0, _MIDDLE, _HEIGHT, "limit"),
    ]
    if low is not None and high is not None:
        shapes.append(_line(low, middle, high, middle, f"whisker {rule.outcome}"))
    shapes.append(_line(estimate, middle, estimate, middle, f"dot {rule.outcome}"))
    title = f"{rule.rule}, {spoken(rule.outcome)}: {rule.reason}"
    return picture(title, *shapes, size=(_WIDTH, _HEIGHT), preserveAspectRatio="none")


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Html:
    """A stroke that keeps its width when the picture is stretched; of no length, it is a dot."""
    dot = kind.startswith("dot")
    return tag(
        "line",
        x1=x1,
        y1=y1,
        x2=x2 + 0.01,
        y2=y2,
        class_=kind,
        vector_effect="non-scaling-stroke",
        stroke_width=9 if dot else None,
        stroke_linecap="round" if dot else None,
    )


def _places(rule: RuleResult) -> tuple[float | None, float, float | None] | None:
    """Where low, estimate and high stand, right being beyond the limit."""
    if not measured(rule) or rule.limit is None or rule.estimate is None:
        return None
    limit, sign = rule.limit, 1 if upper(rule) else -1
    values = [rule.low, rule.estimate, rule.high]
    away = [None if one is None else sign * (one - limit) for one in values]
    known = [one for one in away if one is not None]
    inside, beyond = max(0.0, -min(known)), max(0.0, *known)
    room = min(
        (_MIDDLE - _EDGE) / inside if inside else float("inf"),
        (_WIDTH - _MIDDLE - _EDGE) / beyond if beyond else float("inf"),
    )
    if room == float("inf"):
        room = 0.0
    low, estimate, high = (None if one is None else _MIDDLE + one * room for one in away)
    return (low, estimate, high) if estimate is not None else None
