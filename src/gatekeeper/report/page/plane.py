"""What a release costs against how good it is, and which releases no other beats in both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatekeeper.core.plots import frontier
from gatekeeper.core.wording import number, percent
from gatekeeper.report.page.scale import ticks
from gatekeeper.report.page.tags import Html, join, lettering, picture, spaced, tag

if TYPE_CHECKING:
    from gatekeeper.core.plots import Point

_WIDTH: Final = 480.0
_HEIGHT: Final = 320.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 48.0, 466.0, 24.0, 276.0
_TICKS: Final = 6
_NEAR: Final = 16.0
_THOUSAND: Final = 1000
"""Requests whose cost is told: that of one is a number that nobody can read."""
_SOLID: Final = "currentColor"
_KINDS: Final = {"candidate": "cand", "baseline": "base", "earlier": "past"}
_SHAPES: Final = {"candidate": "●", "baseline": "■", "earlier": "○"}


@dataclass(frozen=True, slots=True)
class _Scale:
    """From values to places in the picture."""

    cost: tuple[float, float]
    quality: tuple[float, float]

    def x(self, value: float) -> float:
        """Pixels from the left of a cost."""
        low, high = self.cost
        return _LEFT + (_RIGHT - _LEFT) * (value - low) / (high - low)

    def y(self, value: float) -> float:
        """Pixels from the top of a quality."""
        low, high = self.quality
        return _BOTTOM - (_BOTTOM - _TOP) * (value - low) / (high - low)


def plane(points: tuple[Point, ...]) -> Html | None:
    """The picture; null where nothing is known of cost and quality."""
    if not points:
        return None
    scale = _Scale(
        _span([one for p in points for one in (p.cost, p.cost_low, p.cost_high)], None),
        _span([one for p in points for one in (p.quality, p.quality_low, p.quality_high)], 1.0),
    )
    ordered = sorted(points, key=lambda one: list(_KINDS).index(one.kind), reverse=True)
    best = frontier(points)
    drawing = picture(
        "cost and quality of this run's releases and of earlier runs",
        *_axes(scale),
        _front(best, scale),
        *(_reach(point, scale) for point in ordered),
        *(_point(point, scale) for point in ordered),
        size=(_WIDTH, _HEIGHT),
    )
    caption = tag(
        "figcaption",
        "Cost and quality ",
        tag("small", "up is better, left is cheaper; lines reach as far as the bounds at 95 %"),
    )
    keys = [_key(point, best) for point in reversed(ordered)]
    note = (
        "The dashed line joins what no other release beats in both. Earlier runs used the same "
        "samples."
    )
    return tag(
        "section",
        tag("h2", "Cost and quality", id="plane"),
        tag("p", note),
        tag("figure", caption, drawing, tag("div", spaced(*keys), class_="key"), class_="wide"),
    )


def _span(values: list[float | None], most: float | None) -> tuple[float, float]:
    """A range with some air around what is known."""
    known = [one for one in values if one is not None]
    low, high = min(known), max(known)
    air = 0.12 * (high - low) or abs(high) * 0.1 or 0.1
    return max(0.0, low - air), min(high + air, most) if most else high + air


def _axes(scale: _Scale) -> list[Html]:
    found = [
        tag("line", x1=_LEFT, y1=_BOTTOM, x2=_RIGHT, y2=_BOTTOM, class_="axis"),
        tag("line", x1=_LEFT, y1=_TOP, x2=_LEFT, y2=_BOTTOM, class_="axis"),
    ]
    for quality in ticks(*scale.quality, _TICKS):
        y = scale.y(quality)
        found += [
            tag("line", x1=_LEFT, y1=y, x2=_RIGHT, y2=y, class_="axis"),
            lettering(f"{quality * 100:.3g} %", x=_LEFT - 6, y=y + 4, text_anchor="end"),
        ]
    for cost in ticks(*scale.cost, _TICKS):
        x, label = scale.x(cost), f"${cost * _THOUSAND:.4g}"
        anchor = "end" if x > _RIGHT - _NEAR else "middle"
        found += [
            tag("line", x1=x, y1=_BOTTOM, x2=x, y2=_BOTTOM + 4, class_="axis"),
            lettering(label, x=x, y=_BOTTOM + 16, text_anchor=anchor),
        ]
    axis = "USD for 1,000 resolved requests"
    return [
        *found,
        lettering(axis, x=_RIGHT, y=_HEIGHT - 6, text_anchor="end", class_="strong"),
        lettering("share resolved", x=4.0, y=11, class_="strong"),
    ]


def _front(best: list[Point], scale: _Scale) -> Html:
    if not best:
        return Html("")
    path = [f"M{scale.x(best[0].cost):.1f} {_BOTTOM:.1f}V{scale.y(best[0].quality):.1f}"]
    path += [f"H{scale.x(one.cost):.1f}V{scale.y(one.quality):.1f}" for one in best[1:]]
    path.append(f"H{_RIGHT:.1f}")
    return tag("path", d="".join(path), class_="front")


def _reach(point: Point, scale: _Scale) -> Html:
    """How far its bounds go, in both directions."""
    x, y = scale.x(point.cost), scale.y(point.quality)
    lines = []
    if point.cost_low is not None and point.cost_high is not None:
        ends = scale.x(point.cost_low), scale.x(point.cost_high)
        lines.append(tag("line", x1=ends[0], y1=y, x2=ends[1], y2=y, class_="reach"))
    if point.quality_low is not None and point.quality_high is not None:
        tops = scale.y(point.quality_low), scale.y(point.quality_high)
        lines.append(tag("line", x1=x, y1=tops[0], x2=x, y2=tops[1], class_="reach"))
    return tag("g", *lines, class_=_KINDS[point.kind])


def _point(point: Point, scale: _Scale) -> Html:
    x, y = scale.x(point.cost), scale.y(point.quality)
    title = tag("title", f"{point.label}: {_words(point)}")
    if point.kind == "baseline":
        shape = tag(
            "rect", title, x=x - 5.5, y=y - 5.5, width=11, height=11, class_="point", fill=_SOLID
        )
    elif point.kind == "candidate":
        shape = tag("circle", title, cx=x, cy=y, r=6.5, class_="point", fill=_SOLID)
    else:
        shape = tag("circle", title, cx=x, cy=y, r=4, class_="hollow")
    return tag("g", shape, class_=_KINDS[point.kind])


def _words(point: Point) -> str:
    cost = number(point.cost * _THOUSAND, "usd")
    return f"{cost} for 1,000 resolved requests, {percent(point.quality)} resolved"


def _key(point: Point, best: list[Point]) -> Html:
    on = ", on the frontier" if point in best else ""
    shape = tag("b", f"{_SHAPES[point.kind]} ", class_=_KINDS[point.kind])
    return tag("span", join(shape, f"{point.label}: {_words(point)}{on}"))
