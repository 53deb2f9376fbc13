"""From values of coalitions to sentences: who moved a rule's metric, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatekeeper.core.attribution import game
from gatekeeper.core.observation import Missing
from gatekeeper.core.wording import listed, number
from gatekeeper.model.attribution import ComponentShare, Interaction, Moved, RuleAttribution

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.core.attribution.game import Design, Weights
    from gatekeeper.core.attribution.players import Player
    from gatekeeper.core.attribution.resampling import Values
    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.model.attribution import Code
    from gatekeeper.model.policy import Rule
    from gatekeeper.model.verdict import RuleOutcome

CONFIDENCE: Final = 0.95
MOST: Final = 0.5
"""Share of what moved the bad way that whoever is named must explain."""
_ALL: Final = 0.001
"""Share of a change that is too little to be told."""
_DIGITS: Final = 10


@dataclass(frozen=True, slots=True)
class Case:
    """A rule, its metric, and what the verdict says of it."""

    rule: Rule
    metric: Metric
    outcome: RuleOutcome

    @property
    def bad(self) -> int:
        """1 where more is worse, -1 where less is."""
        return 1 if self.rule.test in {"max", "max_increase", "census"} else -1

    @property
    def unit(self) -> str:
        """What changes are told in: points of a rate, occurrences, or relative to the baseline."""
        if self.metric.kind == "census" or self.metric.unit == "count":
            return "count"
        return "points" if self.metric.unit == "rate" else "relative"

    def unit_for(self, values: Values) -> str:
        """The same; of a baseline of nothing, nothing can be a part."""
        plain = self.unit == "relative" and not values.value(0)
        return self.metric.unit if plain else self.unit


def change_between(case: Case, values: Values) -> Moved | Missing:
    """By how much a metric moved between two releases, in the unit of a rule about it."""
    if not values.defined:
        return _UNDEFINED
    return _Teller(case, values, CONFIDENCE).moved(game.total(game.design(1, 0)))


def unmeasured(case: Case, why: Missing) -> RuleAttribution:
    """A rule about whose metric nothing can be said."""
    return _result(case, "unmeasured", why.reason)


def only_change(
    case: Case, player: Player, values: Values | Missing, *, samples: int, suites: Sequence[str]
) -> RuleAttribution:
    """One component has changed: whatever moved, it moved it, and no mix has to be evaluated."""
    if isinstance(values, Missing) or not values.defined:
        why = values.reason if isinstance(values, Missing) else _UNDEFINED.reason
        what = f"{player.name} is all that changed; by how much is not known: {why}"
        return _result(case, "only_change", what, guilty=(player.name,))
    found = _told(case, game.design(1, 0), (player,), values, samples=samples, suites=suites)
    change = found.components[0].moved
    what = f"{player.name} is all that changed: {_span(change, found.unit)}"
    if not (_excludes_zero(change) or case.rule.test == "census"):
        what += ", which can be chance"
    return found.model_copy(
        update={"code": "only_change", "reason": what, "guilty": (player.name,)}
    )


def attributed(  # noqa: PLR0913 - what a rule's row is made of
    case: Case,
    made: Design,
    players: Sequence[Player],
    values: Values | Missing,
    *,
    samples: int,
    suites: Sequence[str],
) -> RuleAttribution:
    """Who moved the metric of a rule, and whether somebody can be named."""
    if isinstance(values, Missing):
        return unmeasured(case, values)
    if not values.defined:
        return unmeasured(case, _UNDEFINED)
    found = _told(case, made, players, values, samples=samples, suites=suites)
    code, reason, guilty = _named(case, found)
    return found.model_copy(update={"code": code, "reason": reason, "guilty": guilty})


def _told(  # noqa: PLR0913 - as above
    case: Case,
    made: Design,
    players: Sequence[Player],
    values: Values,
    *,
    samples: int,
    suites: Sequence[str],
) -> RuleAttribution:
    """Every figure of a row, and nobody named."""
    tell = _Teller(case, values, 1 - (1 - CONFIDENCE) / max(1, made.players))
    shares = [
        ComponentShare(
            component=player.name,
            components=player.components,
            moved=tell.moved(game.shapley(made, place)),
            alone=tell.moved(game.alone(made, place)),
            last=tell.moved(game.last(made, place)),
        )
        for place, player in enumerate(players)
    ]
    interactions = [
        Interaction(
            components=(players[i].name, players[j].name),
            moved=tell.moved(game.interaction(made, i, j)),
        )
        for i, j in game.pairs(made)
    ]
    return _result(
        case,
        "cannot_tell",
        "",
        unit=case.unit_for(values),
        baseline=_digits(values.value(0) * case.metric.scale),
        candidate=_digits(values.value(made.everyone) * case.metric.scale),
        metric_unit=case.metric.unit,
        change=tell.moved(game.total(made)),
        components=tuple(sorted(shares, key=lambda one: -case.bad * one.moved.value)),
        interactions=tuple(interactions),
        suites=tuple(suites),
        samples=samples,
        units=values.units,
    )


@dataclass(frozen=True, slots=True)
class _Teller:
    """Movements in the unit of a rule."""

    case: Case
    values: Values
    confidence: float

    def moved(self, weights: Weights) -> Moved:
        relative = self.case.unit_for(self.values) == "relative"
        scale = 1.0 if relative else self.case.metric.scale
        found = self.values.moved(weights, self.confidence, relative=relative)
        bounds = (found.low, found.high)
        low, high = (None if one is None else _digits(one * scale) for one in bounds)
        return Moved(value=_digits(found.value * scale), low=low, high=high)


def _named(case: Case, found: RuleAttribution) -> tuple[Code, str, tuple[str, ...]]:
    """The fewest who surely moved it the bad way and together explain most of that."""
    assert found.change is not None  # noqa: S101 - it was measured
    if not any(one.moved.value or one.moved.high for one in found.components):
        return "not_the_change", "no component moved it", ()
    if case.bad * found.change.value <= 0:
        return "not_the_change", _good(case, found), ()
    bad = [one for one in found.components if case.bad * one.moved.value > 0]
    whole = sum(case.bad * one.moved.value for one in bad)
    named: list[str] = []
    explained = 0.0
    for one in (one for one in bad if _sure(one, case)):
        named.append(one.component)
        explained += case.bad * one.moved.value
        if explained >= MOST * whole:
            what = _sentence(named, explained / whole, found, case.bad * whole)
            return "named", what, tuple(named)
    if not _excludes_zero(found.change):
        return "cannot_tell", "cannot tell: the whole change can be chance", ()
    return "cannot_tell", "cannot tell: no component surely explains most of the change", ()


def _good(case: Case, found: RuleAttribution) -> str:
    """Where the change as a whole made it no worse: by whom, or how bad it was before."""
    if case.outcome not in {"pass", "not_applicable"}:
        before = number(found.baseline, case.metric.unit)
        return f"the change did not move it the bad way: it was {before} before"
    best = found.components[-1]
    if _excludes_zero(best.moved) and case.bad * best.moved.value < 0:
        return f"it moved the good way, most by {best.component}"
    return "it did not move the bad way"


def _sure(one: ComponentShare, case: Case) -> bool:
    """Whether a component moved it the bad way beyond chance.

    A rule that allows no occurrence at all is about the samples themselves and not about a rate:
    there it is enough that they occur whichever way the component is mixed in.
    """
    if case.rule.test == "census":
        return one.alone.value > 0 and one.last.value > 0
    return _excludes_zero(one.moved)


def _sentence(named: Sequence[str], share: float, found: RuleAttribution, whole: float) -> str:
    """How much of what went wrong the named explain, and what is left of it in all."""
    verb = "explains" if len(named) == 1 else "explain"
    what = f"{listed(named)} {verb} {share * 100:.0f} % of the {_signed(whole, found.unit)}"
    told = f"{what} that went the wrong way"
    total = found.change.value if found.change else whole
    if abs(total - whole) <= _ALL * abs(whole):
        return told
    return f"{told}, which others make {_signed(total, found.unit)} in all"


def _signed(value: float, unit: str) -> str:
    return f"{'-' if value < 0 else '+'}{number(abs(value), unit).lstrip('+')}"


def _span(moved: Moved, unit: str) -> str:
    """A movement and its interval, for a sentence."""
    found = number(moved.value, unit)
    if moved.low is None or moved.high is None:
        return found
    return f"{found}, between {number(moved.low, unit)} and {number(moved.high, unit)}"


def _excludes_zero(moved: Moved) -> bool:
    return moved.low is not None and moved.high is not None and (moved.low > 0 or moved.high < 0)


def _digits(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}") + 0.0


def _result(
    case: Case,
    code: Code,
    reason: str,
    **rest: object,
) -> RuleAttribution:
    rule = case.rule
    return RuleAttribution.model_validate(
        {
            "rule": rule.name,
            "section": rule.section,
            "metric": rule.metric,
            "test": rule.test,
            "limit": rule.limit,
            "outcome": case.outcome,
            "code": code,
            "reason": reason,
            **rest,
        }
    )


_UNDEFINED: Final = Missing(
    "undefined", "a total that the metric divides by is zero in one of the releases", ""
)
