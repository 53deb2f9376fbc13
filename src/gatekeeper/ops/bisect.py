"""Find the release in which a metric moved, by halves, and then its component."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gatekeeper.core import bisecting
from gatekeeper.core.canonical import short
from gatekeeper.core.wording import listed, number
from gatekeeper.model.bisection import Bisection, Probe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.model.attribution import Mix, Moved, RuleAttribution
    from gatekeeper.model.policy import Rule
    from gatekeeper.model.run import RunRelease


@dataclass(frozen=True, slots=True)
class Compared:
    """How far a release is from another one, and the run that shows it.

    Attributes:
        change: In the unit of a relative rule about the metric.
        values: The metric of the other release and of this one, in its own unit.
        n: Conversations that both held.
        stored: The run was there already.
    """

    change: Moved
    values: tuple[float, float]
    n: int
    run: str
    stored: bool


class Prober(Protocol):
    """Compares releases on what a metric reads."""

    async def compare(self, release: RunRelease, other: RunRelease) -> Compared:
        """How far a release is from another; raises `UndecidedError` where that is not known."""
        ...

    async def attribute(
        self, release: RunRelease, other: RunRelease, rule: Rule
    ) -> tuple[RuleAttribution | None, tuple[Mix, ...]]:
        """Which component moved it between two releases; None where they have the same ones."""
        ...


async def bisect(
    metric: Metric, unit: str, environment: str, line: Sequence[RunRelease], prober: Prober
) -> Bisection:
    """Where along a line of at least two releases a metric moved.

    Half of the way from the first to the last counts as moved, so that it has to have moved once
    and for all; where it went to and fro, one of the places is found.
    """
    good, bad = line[0], line[-1]
    whole = await prober.compare(bad, good)
    moved = bisecting.certain(whole.change)
    probes = [_probe(bad, whole, moved=moved, sure=moved)]
    found = _found(metric, unit, environment, line, whole)
    if not moved:
        amount = number(whole.change.value, unit)
        what = f"nothing moved beyond chance: {amount} from first to last"
        return found.model_copy(update={"reason": what, "probes": tuple(probes)})
    search = bisecting.Search(0, len(line) - 1)
    while (middle := search.middle) is not None:
        here = await prober.compare(line[middle], good)
        moved, sure = bisecting.beyond(here.change, whole.change.value)
        probes.append(_probe(line[middle], here, moved=moved, sure=sure))
        search = search.told(middle, moved=moved)
    before, after = line[search.before], line[search.after]
    rule = bisecting.half_of(metric, whole.change.value)
    components, mixes = await prober.attribute(after, before, rule)
    return found.model_copy(
        update={
            **_certainty(probes, number(whole.change.value, unit)),
            "probes": tuple(probes),
            "found": after,
            "before": before,
            "components": components,
            "mixes": mixes,
        }
    )


def _probe(release: RunRelease, found: Compared, *, moved: bool, sure: bool) -> Probe:
    return Probe(
        release=release,
        moved=moved,
        sure=sure,
        change=found.change,
        n=found.n,
        run=found.run,
        stored=found.stored,
    )


def _certainty(probes: Sequence[Probe], amount: str) -> dict[str, str]:
    unsure = [f"sha256:{short(one.release.digest)}" for one in probes if not one.sure]
    if unsure:
        what = f"the nearest guess: {listed(unsure)} could be on either side of it"
        return {"code": "unsure", "reason": what}
    return {"code": "found", "reason": f"{amount} from first to last, most of it here"}


def _found(
    metric: Metric, unit: str, environment: str, line: Sequence[RunRelease], whole: Compared
) -> Bisection:
    """What is known once the first and the last were compared."""
    return Bisection(
        metric=metric.name,
        unit=unit,
        environment=environment,
        code="not_moved",
        reason="",
        releases=tuple(line),
        good=whole.values[0],
        bad=whole.values[1],
        metric_unit=metric.unit,
        probes=(),
    )
