"""What a policy decides by beside its rules: eval sets and prices, and what became easier of them.

A limit that stays as it is demands less where easier samples are asked, where answers are judged
otherwise, or where tokens cost less. Samples may move from set to set of a suite, and a few may be
added: many easy ones would dilute those that fail.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from gatekeeper.core.asking import prints_of
from gatekeeper.core.canonical import canonical
from gatekeeper.core.policy.diff import NOTHING, Applied, Change, differences
from gatekeeper.model.verdict import Loosened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.core.policy.diff import Direction
    from gatekeeper.model.asked import Asked
    from gatekeeper.model.facts import Fact, Facts
    from gatekeeper.model.policy import Rule
    from gatekeeper.model.prices import ModelPrice

FACTS: Final = "facts"
"""In place of a rule's name, where a fact is another."""
_SET: Final = "eval set "
_SUITE: Final = "suite "
_PRICE: Final = "price of "
_FEW: Final = 10
"""One sample for so many may be added: no rate falls by more than such a part of itself."""
_SHOWN: Final = 60
"""Characters of a part of a header."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What one decision rests on.

    Attributes:
        sets: Digests of eval sets, by name.
        asked: What they ask, by name, where that was looked at.
        prices: Of the models of both releases.
    """

    sets: Mapping[str, str] = field(default_factory=dict)
    asked: Mapping[str, Asked] = field(default_factory=dict)
    prices: Mapping[str, ModelPrice] = field(default_factory=dict)


class Resting(Applied, Protocol):
    """A policy that says what it decides by."""

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Every metric that its rules may name."""
        ...

    @property
    def basis(self) -> Basis:
        """The eval sets and prices."""
        ...

    @property
    def facts(self) -> Facts | None:
        """What no record knows."""
        ...


def basis_changes(before: Basis, after: Basis) -> Iterator[Change]:
    """What is another in eval sets and prices; nothing where nobody looked before."""
    for name, asked in sorted(before.asked.items()):
        yield from _set(name, asked, after.asked)
    if before.asked:
        for name in sorted(after.asked.keys() - before.asked.keys()):
            asked = after.asked[name]
            yield Change(_called(name), "added", NOTHING, f"{asked.samples:,} samples", "none")
    yield from _diluted(_sizes(before), _sizes(after))
    for model in sorted(before.prices.keys() & after.prices.keys()):
        yield from _price(model, before.prices[model], after.prices[model])


def every_change(before: Resting, after: Resting) -> tuple[Change, ...]:
    """Every difference of two policies, and of what they decide by where that is known of both."""
    known = before.basis.asked and after.basis.asked
    basis = basis_changes(before.basis, after.basis) if known else ()
    facts = (
        Change(one.rule, one.what, one.before, one.after, "either")
        for one in other_facts(before.facts, after.facts)
    )
    return (*differences(before, after), *basis, *facts)


def basis_eased(before: Resting, after: Resting) -> tuple[Loosened, ...]:
    """What is demanded less because eval sets or prices are others, or may be; sorted.

    Prices count where a rule that blocks, before or now, is about money.
    """
    money = _about_money(before) or _about_money(after)
    found = (
        one
        for one in basis_changes(before.basis, after.basis)
        if one.direction in {"loosened", "either"} and (money or not one.rule.startswith(_PRICE))
    )
    return tuple(
        Loosened(rule=one.rule, what=one.what, before=one.before, after=one.after)
        for one in sorted(found, key=lambda one: (one.rule, one.what))
    )


def of_basis(one: Loosened) -> bool:
    """Whether it is about eval sets, prices or facts, and no limit."""
    return one.rule == FACTS or one.rule.startswith((_SET, _SUITE, _PRICE))


def other_facts(before: Facts | None, after: Facts | None) -> Iterator[Loosened]:
    """Facts that are others than before; nothing where there were none."""
    old, new = (_facts(one) for one in (before, after))
    for name in sorted(old.keys() | new.keys()) if before else ():
        was, now = old.get(name, NOTHING), new.get(name, NOTHING)
        if was != now:
            yield Loosened(rule=FACTS, what=name, before=was, after=now)


def _facts(facts: Facts | None) -> dict[str, str]:
    return {one.name: _fact(one) for one in facts.facts} if facts else {}


def _fact(fact: Fact) -> str:
    bounds = [value for value in (fact.low, fact.high) if value is not None]
    return f"{fact.value:g}" + (f" ({' to '.join(f'{one:g}' for one in bounds)})" if bounds else "")


def _about_money(policy: Resting) -> bool:
    metrics = policy.metrics
    read = (metrics[one.metric] for one in policy.rules if _blocks(one) and one.metric in metrics)
    return any("usd" in metric.sql or "usd" in metric.unit for metric in read)


def _blocks(rule: Rule) -> bool:
    return rule.severity == "block"


def _called(name: str) -> str:
    return f"{_SET}{name}"


def _set(name: str, before: Asked, now: Mapping[str, Asked]) -> Iterator[Change]:
    """How much of a set is still asked in its suite, and judged as it was."""
    there = [one for one in now.values() if one.suite == before.suite]
    same = next((one for one in there if _same_samples(before, one)), None)
    if same is not None:
        yield from _judged(_called(name), before.judged, same.judged)
        return
    known = prints_of(before)
    if known is None or any(one.prints is None for one in there):
        others = NOTHING if not there else "others"
        yield Change(_called(name), "samples", f"{before.samples:,}", others, "either")
        return
    left = known - _together(one for one in there if one.judged == before.judged)
    for one in there:
        found = left & (prints_of(one) or Counter())
        if found:
            left -= found
            yield from _judged(_called(name), before.judged, one.judged)
    yield from _samples(name, before, left.total(), now)


def _same_samples(before: Asked, now: Asked) -> bool:
    """Whether both ask the same: a digest may be remembered of what the files held once."""
    if (before.digest, before.samples) != (now.digest, now.samples):
        return False
    return before.prints == now.prints or None in {before.prints, now.prints}


def _sizes(basis: Basis) -> Counter[str]:
    """Samples by suite."""
    found: Counter[str] = Counter()
    for one in basis.asked.values():
        found[one.suite] += one.samples
    return found


def _diluted(before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[Change]:
    """Suites with so many more samples that these could hide what the others show."""
    for suite in sorted(before):
        was, now = before[suite], after.get(suite, 0)
        if _FEW * (now - was) > was:
            yield Change(f"{_SUITE}{suite}", "samples", f"{was:,}", f"{now:,}", "either")


def _together(sets: Iterable[Asked]) -> Counter[bytes]:
    found: Counter[bytes] = Counter()
    for one in sets:
        found += prints_of(one) or Counter()
    return found


def _samples(name: str, before: Asked, gone: int, now: Mapping[str, Asked]) -> Iterator[Change]:
    was = f"{before.samples:,}"
    if gone:
        left = before.samples - gone
        told = f"{left:,} of them" if left else "none of them"
        yield Change(_called(name), "samples", was, told, "loosened")
    elif name in now and now[name].samples > before.samples:
        yield Change(_called(name), "samples", was, f"{now[name].samples:,}", "tightened")


def _judged(called: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old != new:
            yield Change(called, key, _word(old), _word(new), _direction(key, old, new))


def _direction(key: str, old: Any, new: Any) -> Direction:
    """More replicates say more; whatever else is another can be either."""
    return "tightened" if key == "replicates" and (new or 1) > (old or 1) else "either"


def _word(value: Any) -> str:
    if value is None:
        return NOTHING
    parts = value if isinstance(value, list) else [value]
    text = ", ".join(map(_part, parts))
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _part(value: Any) -> str:
    """A scorer without settings by its name, and everything else as it is written."""
    if isinstance(value, dict) and set(value) == {"scorer"}:
        value = value["scorer"]
    return value if isinstance(value, str) else canonical(value).decode()


def _price(model: str, before: ModelPrice, after: ModelPrice) -> Iterator[Change]:
    for key in type(before).model_fields:
        old, new = getattr(before, key), getattr(after, key)
        if old != new:
            direction: Direction = "tightened" if new > old else "loosened"
            yield Change(f"{_PRICE}{model}", key, f"{old:g}", f"{new:g}", direction)
