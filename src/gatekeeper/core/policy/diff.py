"""What a policy demands more of and less of than the one before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from gatekeeper.core.policy.forms import defaults, multiplicity
from gatekeeper.model.policy import GatePolicy
from gatekeeper.model.verdict import Loosened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatekeeper.model.policy import AnyPolicy, Reaction, Rule

Direction = Literal["loosened", "tightened", "either", "none"]
"""`either` is a change that can do both, such as another query; `none` decides nothing."""
WHOLE: Final = "policy"
"""In place of a rule's name, where a change is of all rules."""
NOTHING: Final = "nothing"

_SEVERITIES: Final = ("info", "warn", "block")
_REACTIONS: Final = ("warn", "block")
_CORRECTIONS: Final = ("holm", "benjamini_hochberg", "none")
"""How hard it is to fail, easiest last."""
_EITHER: Final = ("slices", "method", "calibration")
_TOLD: Final = ("name", "owner", "detect")


class Applied(Protocol):
    """A policy and the rules that it makes with its parameters."""

    @property
    def value(self) -> AnyPolicy:
        """What it says."""
        ...

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Its rules."""
        ...


class Given(Applied, Protocol):
    """A policy that says what it was given."""

    @property
    def parameters(self) -> Mapping[str, float]:
        """Values of the names that its conditions mention."""
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """One part of a rule, or of the policy, that is another than before.

    Attributes:
        rule: Its name now; `WHOLE` where it is of the policy.
        what: The part, or `added` or `removed`.
    """

    rule: str
    what: str
    before: str
    after: str
    direction: Direction


def differences(before: Applied, after: Applied) -> tuple[Change, ...]:
    """Every difference between two policies that somebody may want to know of."""
    return (*_whole(before, after), *_between(before.rules, after.rules))


def loosened(before: Applied, after: Applied) -> tuple[Loosened, ...]:
    """What `after` demands less of than `before`, or may: a change that can do both counts too.

    Sorted, so that the order in which a policy is written down makes no other verdict.
    """
    found = (one for one in differences(before, after) if one.direction in {"loosened", "either"})
    return tuple(
        Loosened(rule=one.rule, what=one.what, before=one.before, after=one.after)
        for one in sorted(found, key=lambda one: (one.rule != WHOLE, one.rule, one.what))
    )


# -- of the policy as a whole ---------------------------------------------------------------------


def _whole(before: Applied, after: Applied) -> Iterator[Change]:
    first, then = (defaults(one.value).max_run_age_days for one in (before, after))
    yield from _change(WHOLE, "max_run_age_days", first, then, _ordered(-first, -then))
    one, two = multiplicity(before.value), multiplicity(after.value)
    yield from _change(WHOLE, "multiplicity", one, two, _placed(_CORRECTIONS, one, two))
    old, new = (_pins(one.value) for one in (before, after))
    yield from _change(WHOLE, "expect_rules", old[0], new[0], _ordered(old[0] or 0, new[0] or 0))
    yield from _change(WHOLE, "facts", old[1], new[1], "either")
    yield from _change(WHOLE, "review_by", old[2], new[2], "none")
    yield from _metrics(before.value, after.value)


def _pins(policy: AnyPolicy) -> tuple[int | None, str | None, str | None]:
    """How many rules are expected, where facts are, and when it is reviewed."""
    if not isinstance(policy, GatePolicy):
        return None, None, None
    return policy.expect_rules, policy.facts, policy.metadata.review_by


def _metrics(before: AnyPolicy, after: AnyPolicy) -> Iterator[Change]:
    """Own metrics of both policies that are computed in another way."""
    old, new = (one.metrics if isinstance(one, GatePolicy) else {} for one in (before, after))
    for name in sorted(old.keys() & new.keys()):
        if old[name] != new[name]:
            yield Change(WHOLE, f"metrics.{name}", "another definition", "this one", "either")


# -- of rules -------------------------------------------------------------------------------------


def _between(before: Sequence[Rule], after: Sequence[Rule]) -> Iterator[Change]:
    pairs = _matched(before, after)
    for new in after:
        old = next((one for one, other in pairs if other is new), None)
        if old is None:
            yield Change(new.name, "added", NOTHING, said(new), _counted(new, "tightened"))
        else:
            yield from _rule(old, new)
    for old in before:
        if not any(one is old for one, _ in pairs):
            yield Change(old.name, "removed", said(old), NOTHING, _counted(old, "loosened"))


def said(rule: Rule) -> str:
    """What a rule demands, in a few words."""
    if rule.test == "must_pass":
        return f"must_pass {', '.join(rule.samples)}"
    limit = "" if rule.limit is None else f" {rule.limit:g}"
    slices = f" by {rule.by}" if rule.by else ""
    return f"{rule.metric} {rule.test}{limit}{slices}"


def _counted(rule: Rule, direction: Direction) -> Direction:
    """A rule that never blocked is no loss, and no gain."""
    return direction if rule.severity == "block" else "none"


def _matched(before: Sequence[Rule], after: Sequence[Rule]) -> list[tuple[Rule, Rule]]:
    """Rules about the same thing: of the same name first, so that one may be renamed."""
    pairs: list[tuple[Rule, Rule]] = []
    for by_name in (True, False):
        for new in after:
            for old in before:
                taken = any(old is one or new is other for one, other in pairs)
                if not taken and _same(old, new) and (old.name == new.name or not by_name):
                    pairs.append((old, new))
    return pairs


def _same(old: Rule, new: Rule) -> bool:
    return _subject(old) == _subject(new)


def _subject(rule: Rule) -> tuple[str, str, str | None]:
    return rule.metric, "max" if rule.test == "census" else rule.test, rule.by


def _rule(old: Rule, new: Rule) -> Iterator[Change]:
    """What is another in a rule; one that blocked neither before nor now changes nothing."""
    blocked = "block" in {old.severity, new.severity}
    for change in _parts(old, new):
        direction = change.direction if blocked else "none"
        yield Change(change.rule, change.what, change.before, change.after, direction)


def _parts(old: Rule, new: Rule) -> Iterator[Change]:
    for key, before, after, direction in (
        ("limit", old.limit, new.limit, _limits(old, new)),
        ("alpha", old.alpha, new.alpha, _ordered(-old.alpha, -new.alpha)),
        ("exposures", *_exposures(old, new)),
        ("severity", old.severity, new.severity, _placed(_SEVERITIES, old.severity, new.severity)),
        ("on_missing", *_reactions(old.on_missing, new.on_missing)),
        ("on_inconclusive", *_reactions(old.on_inconclusive, new.on_inconclusive)),
        ("min_effect", *_effects(old, new)),
        ("skippable", old.skippable, new.skippable, _ordered(new.skippable, old.skippable)),
        *((key, getattr(old, key), getattr(new, key), "either") for key in _EITHER),
        *((key, getattr(old, key), getattr(new, key), "none") for key in _TOLD),
    ):
        yield from _change(new.name, key, before, after, direction)
    yield from _samples(old, new)


def _limits(old: Rule, new: Rule) -> Direction:
    if old.test != new.test and not _excluded(old, new):
        return "either"
    before, after = old.limit or 0, new.limit or 0
    return _ordered(before, after) if new.test.startswith("min") else _ordered(-before, -after)


def _excluded(one: Rule, other: Rule) -> bool:
    """Whether the exposures that a limit of zero asks for exclude the other limit as surely."""
    zero, share = (one, other) if one.test == "census" else (other, one)
    return (1 - (share.limit or 0)) ** zero.exposures <= share.alpha


def _exposures(old: Rule, new: Rule) -> tuple[int, int, Direction]:
    """Only where both count them."""
    before, after = old.exposures, new.exposures
    if not old.test == new.test == "census":
        before = after
    return before, after, _ordered(before, after)


def _reactions(before: Reaction, after: Reaction) -> tuple[str, str, Direction]:
    return before, after, _placed(_REACTIONS, before, after)


def _effects(old: Rule, new: Rule) -> tuple[float, float, Direction]:
    before, after = old.min_effect or 0, new.min_effect or 0
    return before, after, _ordered(-before, -after)


def _samples(old: Rule, new: Rule) -> Iterator[Change]:
    for sample in old.samples:
        if sample not in new.samples:
            yield Change(new.name, "samples", sample, NOTHING, "loosened")
    for sample in new.samples:
        if sample not in old.samples:
            yield Change(new.name, "samples", NOTHING, sample, "tightened")


def _change(
    rule: str, what: str, before: Any, after: Any, direction: Direction
) -> Iterator[Change]:
    if before != after:
        yield Change(rule, what, _word(before), _word(after), direction)


def _ordered(before: float, after: float) -> Direction:
    """The direction of something that demands more the larger it is."""
    return "tightened" if after > before else "loosened"


def _placed(scale: Sequence[str], before: str, after: str) -> Direction:
    """The same, of one of some words in order."""
    return _ordered(scale.index(before), scale.index(after))


def _word(value: Any) -> str:
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{value:g}"
    return value if isinstance(value, str) else "others"
