"""Latency, tokens and cost of samples: the candidate over the baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.core.wording import narrow
from gatekeeper.report.page.scale import ticks
from gatekeeper.report.page.tags import Html, lettering, picture, spaced, tag

if TYPE_CHECKING:
    from gatekeeper.core.plots import Distribution, Sketch

_WIDTH: Final = 360.0
_HEIGHT: Final = 170.0
_LEFT: Final = 6.0
_TOP: Final = 10.0
_BASE: Final = 146.0
_EDGE: Final = 24.0
"""Labels nearer than this to an end are set away from it."""
_BARS: Final = 50
"""Bins are drawn in twos: a hundred are more than the eye wants."""


def densities(found: tuple[Distribution, ...]) -> Html | None:
    """A picture for each quantity; null where nothing was measured."""
    if not found:
        return None
    note = (
        "Shares of samples by what they took, used or cost. Solid ticks are medians, dashed ones "
        "95th percentiles; the last step holds the half percent beyond the scale."
    )
    return tag(
        "section",
        tag("h2", "Candidate against baseline", id="distributions"),
        tag("p", note),
        tag("div", *map(_figure, found), class_="pictures"),
    )


def _figure(one: Distribution) -> Html:
    sides = [(one.candidate, "cand", "candidate")]
    if one.baseline is not None:
        sides.append((one.baseline, "base", "baseline"))
    peak = max(max(_shares(sketch)) for sketch, _, _ in sides) or 1.0
    drawn = [_step(sketch, kind, peak) for sketch, kind, _ in sides]
    ticks = [_ticks(one, sketch, kind) for sketch, kind, _ in sides]
    keys = [
        tag(
            "span",
            tag("b", "■ ", class_=kind),
            f"{name}: median {narrow(sketch.p50, one.unit)}, 95 % {narrow(sketch.p95, one.unit)}",
        )
        for sketch, kind, name in sides
    ]
    caption = tag(
        "figcaption",
        f"{one.what.capitalize()} ",
        tag("small", f"suite {one.suite}, {one.candidate.n:,} samples"),
    )
    drawing = picture(
        f"{one.what} of candidate and baseline",
        *drawn,
        _rule(_LEFT, _BASE, _WIDTH - _LEFT, _BASE, "axis"),
        *ticks,
        *_scale(one),
        size=(_WIDTH, _HEIGHT),
    )
    return tag("figure", caption, drawing, tag("div", spaced(*keys), class_="key"))


def _shares(sketch: Sketch) -> list[float]:
    size = len(sketch.counts) // _BARS or 1
    sums = [sum(sketch.counts[at : at + size]) for at in range(0, len(sketch.counts), size)]
    return [count / (sketch.n or 1) for count in sums]


def _step(sketch: Sketch, kind: str, peak: float) -> Html:
    shares = _shares(sketch)
    width = (_WIDTH - 2 * _LEFT) / len(shares)
    points = [f"M{_LEFT:.1f} {_BASE:.1f}"]
    for place, share in enumerate(shares):
        top = _BASE - (_BASE - _TOP) * share / peak
        points.append(f"V{top:.1f}H{_LEFT + width * (place + 1):.1f}")
    path = "".join(points) + f"V{_BASE:.1f}"
    return tag(
        "g",
        tag("path", d=path + "Z", class_="area"),
        tag("path", d=path, class_="step"),
        class_=kind,
    )


def _ticks(one: Distribution, sketch: Sketch, kind: str) -> Html:
    start, end = (_BASE - 7, _BASE + 5) if kind == "cand" else (_BASE - 5, _BASE + 7)
    marks = [
        _rule(_x(one, value), start, _x(one, value), end, name)
        for value, name in ((sketch.p50, "tick"), (sketch.p95, "tick far"))
    ]
    return tag("g", *marks, class_=kind)


def _scale(one: Distribution) -> list[Html]:
    found = []
    for value in ticks(one.low, one.high, 5):
        x = _x(one, value)
        anchor = "start" if x < _EDGE else "end" if x > _WIDTH - _EDGE else "middle"
        label = narrow(value, one.unit)
        found.append(lettering(label, x=x, y=_HEIGHT - 6, text_anchor=anchor))
    return found


def _x(one: Distribution, value: float) -> float:
    share = (value - one.low) / ((one.high - one.low) or 1.0)
    return _LEFT + (_WIDTH - 2 * _LEFT) * min(max(share, 0.0), 1.0)


def _rule(x1: float, y1: float, x2: float, y2: float, kind: str) -> Html:
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)
