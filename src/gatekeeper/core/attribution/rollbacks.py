"""How little of a change has to be taken back: which rollbacks are worth a verdict of their own."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

from gatekeeper.core.attribution.case import MORE_IS_WORSE
from gatekeeper.core.attribution.game import expected
from gatekeeper.core.measure import RELATIVE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gatekeeper.core.attribution.case import Case
    from gatekeeper.core.attribution.game import Design
    from gatekeeper.core.attribution.players import Player
    from gatekeeper.core.attribution.resampling import Values
    from gatekeeper.model.attribution import RuleAttribution

TRIED: Final = 8
"""Rollbacks that are decided at most; each is an evaluation of its own."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known once the mixes were evaluated.

    Attributes:
        owed: By player, how much it is to blame.
        known: Rules that are asked about, with the values of their metrics.
    """

    who: Sequence[Player]
    made: Design
    owed: Mapping[str, float]
    known: Sequence[tuple[Case, Values]]


def rollbacks(seen: Evidence) -> Iterator[int]:
    """The coalitions that are left when something is taken back, the most promising first.

    Those that a rule shows to be hopeless are left out, and so is whatever takes back somebody who
    moved nothing: less does the same. Who is expected to pass, by the values of players where the
    mix itself was not evaluated, comes before who is not; then a rollback is as small as it has few
    components; of two as small, the one comes first that takes back who is more to blame. Taking
    everything back leaves the baseline, which is no mix.
    """
    places = [place for place in range(len(seen.who)) if place not in _bystanders(seen)]
    found = [
        seen.made.everyone & ~sum(1 << place for place in taken)
        for size in range(1, len(seen.who))
        for taken in combinations(places, size)
    ]
    hopeful = [one for one in found if not hopeless(one, seen.known)]
    yield from sorted(hopeful, key=lambda one: (_unlikely(one, seen), *_size(one, seen)))


def _bystanders(seen: Evidence) -> set[int]:
    """Players that moved no metric in any mix that was evaluated."""
    if not seen.known:
        return set()
    return {place for place in range(len(seen.who)) if not _moved(place, seen.known)}


def _moved(place: int, known: Sequence[tuple[Case, Values]]) -> bool:
    bit = 1 << place
    return any(
        values.value(one) != values.value(one | bit)
        for _, values in known
        for one in values.columns
        if not one & bit and one | bit in values.columns
    )


def _unlikely(coalition: int, seen: Evidence) -> bool:
    """Whether a rule is expected to be beyond its limit."""
    return any(
        _beyond(case, values.value(0), values.combined(expected(seen.made, coalition)))
        for case, values in seen.known
        if coalition not in values.columns
    )


def _size(coalition: int, seen: Evidence) -> tuple[int, float]:
    taken = [player for place, player in enumerate(seen.who) if not coalition >> place & 1]
    components = sum(len(player.components) for player in taken)
    return components, -sum(seen.owed.get(player.name, 0.0) for player in taken)


def blame(found: Sequence[RuleAttribution], who: Sequence[Player]) -> dict[str, float]:
    """By player, in how many rules it is named; parts of one for its share of what went wrong."""
    owed = dict.fromkeys((player.name for player in who), 0.0)
    for rule in found:
        if rule.outcome == "pass" or rule.change is None or not rule.change.value:
            continue
        for one in rule.components:
            share = one.moved.value / abs(rule.change.value)
            worse = 1 if rule.test in MORE_IS_WORSE else -1
            owed[one.component] += min(max(worse * share, 0.0), 1.0)
            owed[one.component] += one.component in rule.guilty
    return owed


def hopeless(coalition: int, cases: Sequence[tuple[Case, Values]]) -> bool:
    """Whether a rule already shows that a mix cannot pass: its estimate is beyond its limit."""
    return any(
        _beyond(case, values.value(0), values.value(coalition))
        for case, values in cases
        if coalition in values.columns
    )


def _beyond(case: Case, before: float, value: float) -> bool:
    limit = 0.0 if case.counted else case.rule.limit
    if limit is None or case.rule.severity != "block":
        return False
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
