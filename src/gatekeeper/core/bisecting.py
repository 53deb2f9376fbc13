"""Where along a line of releases a metric moved: what is compared next, and when it is found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gatekeeper.model.policy import Rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.model.attribution import Moved
    from gatekeeper.model.run import RunRelease


@dataclass(frozen=True, slots=True)
class Search:
    """The first release of a line that moved lies after `before` and no later than `after`."""

    before: int
    after: int

    @property
    def middle(self) -> int | None:
        """Whom to compare next; None once two neighbours are left."""
        return (self.before + self.after) // 2 if self.after - self.before > 1 else None

    def told(self, place: int, *, moved: bool) -> Search:
        """The search once it is known whether the release at a place has moved."""
        return replace(self, after=place) if moved else replace(self, before=place)


def line_of(
    history: Sequence[RunRelease], good: RunRelease | None, bad: RunRelease | None
) -> tuple[RunRelease, ...]:
    """The releases from `good` to `bad`, each once, in the order of their first promotion.

    Who is not in the history stands at its end: `good` before all, `bad` after all. By default
    they are the first and the last.
    """
    order = list(dict.fromkeys(history))
    if bad is not None and bad not in order:
        order.append(bad)
    if good is not None and good not in order:
        order.insert(0, good)
    first = order.index(good) if good is not None else 0
    last = order.index(bad) if bad is not None else len(order) - 1
    return tuple(order[first : last + 1])


def any_change(metric: Metric) -> Rule:
    """A rule against any change; what it is about is told in its unit."""
    return half_of(metric, 1.0).model_copy(update={"limit": 0.0})


def half_of(metric: Metric, change: float) -> Rule:
    """A rule that is broken once more than half of a change was made, in its direction."""
    rises = change > 0
    return Rule(
        name=metric.name,
        section=metric.section,
        metric=metric.name,
        test="max_increase" if rises else "max_decrease",
        limit=abs(change) / 2,
    )


def certain(change: Moved) -> bool:
    """Whether zero is excluded."""
    return (
        change.low is not None and change.high is not None and (change.low > 0 or change.high < 0)
    )


def beyond(change: Moved, whole: float) -> tuple[bool, bool]:
    """Whether more than half of a whole change was made, and whether that is sure."""
    sign = 1 if whole > 0 else -1
    ends = [end for end in (change.low, change.high) if end is not None]
    sides = {sign * end > abs(whole) / 2 for end in ends}
    return sign * change.value > abs(whole) / 2, len(sides) == 1
