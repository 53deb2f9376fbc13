"""Which component makes each critical sample fail: what has to be taken back for it to pass."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from gatekeeper.core.wording import counted, listed
from gatekeeper.model.attribution import CriticalSample

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatekeeper.core.attribution.game import Design
    from gatekeeper.core.attribution.players import Player
    from gatekeeper.core.attribution.seen import Table
    from gatekeeper.model.attribution import Code, RuleAttribution

    Cures = tuple[tuple[str, ...], ...]


def broken(seen: Table, made: Design, who: Sequence[Player]) -> tuple[CriticalSample, ...]:
    """Every critical sample that the candidate fails, and what cures it.

    A cure is a smallest set of components without which the candidate passes the sample, among
    the mixes that were evaluated. Where there are several, the components only do it together;
    where one cure holds several components, each of them does it by itself.
    """
    failed = {one: {place for place, y in enumerate(of.y) if y} for one, of in seen.seen.items()}
    found = []
    for place in sorted(failed[made.everyone]):
        before = place in failed[0]
        suite, sample, _ = seen.keys[place]
        cures = () if before else tuple(_cures(place, failed, made, who))
        found.append(CriticalSample(sample=sample, suite=suite, before=before, cures=cures))
    return tuple(found)


def _cures(
    place: int, failed: Mapping[int, set[int]], made: Design, who: Sequence[Player]
) -> Iterator[tuple[str, ...]]:
    taken_back = [made.everyone & ~one for one in failed if place not in failed[one]]
    fewest = min(one.bit_count() for one in taken_back)
    for back in sorted(one for one in taken_back if one.bit_count() == fewest):
        yield tuple(player.name for bit, player in enumerate(who) if back >> bit & 1)


def named(
    found: RuleAttribution, critical: tuple[CriticalSample, ...], who: Sequence[Player]
) -> RuleAttribution:
    """The row of a `must_pass` rule: the fewest whose taking back cures all that can be cured."""
    guilty = _fewest([one.cures for one in critical if one.cures], who)
    code: Code = "named" if guilty else "not_the_change"
    if len(who) == 1 and guilty:
        code = "only_change"
    changes = {"critical": critical, "guilty": guilty, "code": code, "reason": _reason(critical)}
    return found.model_copy(update=changes)


def _fewest(cures: Sequence[Cures], who: Sequence[Player]) -> tuple[str, ...]:
    """The fewest players with a cure of every sample among them; of as few, who cures most."""
    if not cures:
        return ()
    weight = {one.name: 0 for one in who}
    for ways in cures:
        for name in {name for way in ways for name in way}:
            weight[name] += 1
    order = sorted(weight, key=lambda name: -weight[name])
    return next(
        chosen
        for size in range(1, len(order) + 1)
        for chosen in combinations(order, size)
        if all(any(set(way) <= set(chosen) for way in ways) for ways in cures)
    )


def _reason(critical: Sequence[CriticalSample]) -> str:
    if not critical:
        return "no critical sample fails"
    parts = [f"{len(some):,} {how}" for how, some in by_cure(critical)]
    fail = "fails" if len(critical) == 1 else "fail"
    return f"of {counted(len(critical), 'critical sample')} that {fail}, {listed(parts)}"


def by_cure(critical: Sequence[CriticalSample]) -> list[tuple[str, list[str]]]:
    """Samples by what cures them, in words; the most samples first, those from before last."""
    groups: dict[str, list[str]] = {}
    for one in critical:
        groups.setdefault(_how(one), []).append(one.sample)
    return sorted(groups.items(), key=lambda item: (item[0] == _BEFORE, -len(item[1])))


_BEFORE = "failed before the change, too"


def _how(one: CriticalSample) -> str:
    """``pass without prompt``, and what more there is to say where it is not that simple."""
    if one.before:
        return _BEFORE
    ways = [listed(way) for way in one.cures]
    if len(ways) > 1:
        return f"pass without {' or without '.join(ways)} (it takes all of them to fail)"
    several = " (each alone makes them fail)" if len(one.cures[0]) > 1 else ""
    return f"pass without {ways[0]}{several}"
