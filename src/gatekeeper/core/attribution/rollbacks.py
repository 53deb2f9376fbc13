"""How little of a change has to be taken back: which rollbacks are worth a verdict of their own."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final

from gatekeeper.core.measure import RELATIVE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gatekeeper.core.attribution.naming import Case
    from gatekeeper.core.attribution.players import Player
    from gatekeeper.core.attribution.resampling import Values
    from gatekeeper.model.attribution import RuleAttribution

TRIED: Final = 8
"""Rollbacks that are decided at most; each is an evaluation of its own."""


def rollbacks(who: Sequence[Player], blame: Mapping[str, float]) -> Iterator[int]:
    """The coalitions that are left when something is taken back, smallest rollback first.

    A rollback is as small as it has few components; of two as small, the one comes first that
    takes back who is more to blame. Taking everything back leaves the baseline, which is no mix.
    """
    everyone = (1 << len(who)) - 1
    found = [taken for size in range(1, len(who)) for taken in combinations(range(len(who)), size)]
    found.sort(key=lambda taken: _size(taken, who, blame))
    for taken in found:
        yield everyone & ~sum(1 << place for place in taken)


def _size(
    taken: tuple[int, ...], who: Sequence[Player], blame: Mapping[str, float]
) -> tuple[int, float]:
    components = sum(len(who[place].components) for place in taken)
    return components, -sum(blame.get(who[place].name, 0.0) for place in taken)


def blame(found: Sequence[RuleAttribution], who: Sequence[Player]) -> dict[str, float]:
    """By player, in how many rules it is named; parts of one for its share of what went wrong."""
    owed = dict.fromkeys((player.name for player in who), 0.0)
    for rule in found:
        if rule.outcome == "pass" or rule.change is None or not rule.change.value:
            continue
        for one in rule.components:
            share = one.moved.value / abs(rule.change.value)
            worse = 1 if rule.test in {"max", "max_increase", "census"} else -1
            owed[one.component] += min(max(worse * share, 0.0), 1.0)
            owed[one.component] += one.component in rule.guilty
    return owed


def hopeless(coalition: int, cases: Sequence[tuple[Case, Values]]) -> bool:
    """Whether a rule already shows that a mix cannot pass: its estimate is beyond its limit."""
    return any(_beyond(case, values, coalition) for case, values in cases)


def _beyond(case: Case, values: Values, coalition: int) -> bool:
    limit = 0.0 if case.rule.test == "census" else case.rule.limit
    if limit is None or case.rule.severity != "block" or coalition not in values.columns:
        return False
    value, before = values.value(coalition), values.value(0)
    if case.rule.test not in RELATIVE:
        return bool(case.bad * (value * case.metric.scale - limit) > 0)
    change = value - before
    if case.metric.kind != "proportion":
        change = change / before if before else 0.0
    signed: Callable[[float], float] = _SIGNED.get(case.rule.test, _as_it_is)
    return bool(case.bad * change > case.bad * signed(limit))


def _as_it_is(limit: float) -> float:
    return limit


def _negative(limit: float) -> float:
    return -limit


_SIGNED: Final = {"max_decrease": _negative}
