"""Who plays: the components that changed, those that only go together taken as one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from gatekeeper.model.base import COMPONENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from gatekeeper.model.base import ComponentName, Digest

    Faults = Callable[[frozenset[ComponentName]], Sequence[str]]
    """What is wrong with the mix that takes these components from the candidate."""
    Group = tuple[ComponentName, ...]


@dataclass(frozen=True, slots=True)
class Player:
    """Components that are taken from the candidate together, or not at all.

    Attributes:
        reasons: Why they cannot be taken apart; empty where it is one.
    """

    components: tuple[ComponentName, ...]
    reasons: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """How reports call it."""
        return "+".join(self.components)


def changed(
    candidate: Mapping[ComponentName, Digest], baseline: Mapping[ComponentName, Digest]
) -> tuple[ComponentName, ...]:
    """The components whose digests differ, in the order of the eight."""
    return tuple(name for name in COMPONENTS if candidate[name] != baseline[name])


def players(names: Sequence[ComponentName], faults: Faults) -> tuple[Player, ...]:
    """The players of a change: as many as there can be with every mix of them sound.

    As long as some mix is not sound, the two that leave the fewest such mixes behind are coupled;
    in the end they may all be one, because the candidate and the baseline themselves are sound.
    """
    groups: list[Group] = [(name,) for name in names]
    reasons: dict[Group, dict[str, None]] = {}
    known: dict[frozenset[ComponentName], tuple[str, ...]] = {}

    def broken(parts: Sequence[Group]) -> dict[frozenset[ComponentName], str]:
        """What is wrong with each mixed release that a grouping leads to, asked once a release."""
        found = {}
        for mix in mixes(parts):
            if mix not in known:
                known[mix] = tuple(faults(mix))
            if known[mix]:
                found[mix] = known[mix][0]
        return found

    while unsound := broken(groups):
        first, second = min(
            combinations(groups, 2), key=lambda pair: len(broken(_coupled(groups, *pair)))
        )
        groups = _coupled(groups, first, second)
        left = broken(groups)
        told = dict.fromkeys(why for mix, why in unsound.items() if mix not in left)
        before = reasons.pop(first, {}) | reasons.pop(second, {})
        reasons[_joined(first, second)] = before | told
    return tuple(Player(group, tuple(reasons.get(group, {}))) for group in groups)


def mixes(groups: Iterable[Sequence[ComponentName]]) -> Iterator[frozenset[ComponentName]]:
    """Every coalition but those of nobody and of everybody, as the components it takes."""
    parts = list(groups)
    for size in range(1, len(parts)):
        for chosen in combinations(parts, size):
            yield frozenset(name for part in chosen for name in part)


def components_of(coalition: int, who: Sequence[Player]) -> frozenset[ComponentName]:
    """The components that a coalition takes from the candidate."""
    return frozenset(
        name
        for place, player in enumerate(who)
        if coalition >> place & 1
        for name in player.components
    )


def in_order(names: Iterable[ComponentName]) -> tuple[ComponentName, ...]:
    """Components in the order of the eight."""
    given = frozenset(names)
    return tuple(name for name in COMPONENTS if name in given)


def _coupled(
    groups: Sequence[Group],
    first: Group,
    second: Group,
) -> list[Group]:
    rest = [group for group in groups if group not in (first, second)]
    return sorted([*rest, _joined(first, second)], key=lambda group: COMPONENTS.index(group[0]))


def _joined(first: Group, second: Group) -> Group:
    return in_order((*first, *second))
