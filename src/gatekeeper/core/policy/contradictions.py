"""Rules that cannot both be right: one said twice, or two that no release can meet together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.core.measure import RELATIVE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatekeeper.core.policy.rules import KeyPath
    from gatekeeper.model.policy import Rule


@dataclass(frozen=True, slots=True)
class Placed:
    """A rule and where it stands."""

    rule: Rule
    path: KeyPath


@dataclass(frozen=True, slots=True)
class Clash:
    """Two rules that do not go together, the later one first."""

    second: Placed
    first: Placed
    message: str
    accepted: str


def clashes(made: Sequence[Placed]) -> Iterator[Clash]:
    """Every pair of rules that do not go together."""
    for place, second in enumerate(made):
        for first in made[:place]:
            if first.rule.metric == second.rule.metric:
                yield from _repeated(first, second)
                yield from _opposed(first, second)


def _repeated(first: Placed, second: Placed) -> Iterator[Clash]:
    one, two = first.rule, second.rule
    if _bounds(one) is None or one.name == two.name:
        return
    if (one.test, one.by, one.severity) == (two.test, two.by, two.severity):
        limits = "" if one.limit == two.limit else f", and its limit is {one.limit:g} there"
        message = f"{two.name} is the rule {one.name} again{limits}"
        yield Clash(second, first, message, "each rule once")


def _opposed(first: Placed, second: Placed) -> Iterator[Clash]:
    one, two = _bounds(first.rule), _bounds(second.rule)
    if one is None or two is None or (one[0] == two[0]):
        return
    if (first.rule.test in RELATIVE) != (second.rule.test in RELATIVE):
        return
    low, high = (one[1], two[1]) if one[0] == "above" else (two[1], one[1])
    if low >= high:
        message = (
            f"nothing can be shown to meet both {second.rule.name} ({second.rule.limit:g}) "
            f"and {first.rule.name} ({first.rule.limit:g})"
        )
        yield Clash(second, first, message, "limits with room between them")


def _bounds(rule: Rule) -> tuple[str, float] | None:
    """The side of a value on which a rule wants its metric; None where it wants none."""
    if rule.limit is None:
        return None
    if rule.test == "max_decrease":
        return "above", -rule.limit
    return "above" if rule.test.startswith("min") else "below", rule.limit
