"""From values of coalitions to the figures of a rule: who moved its metric by how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatekeeper.core.attribution import game
from gatekeeper.core.observation import Missing
from gatekeeper.model.attribution import ComponentShare, Interaction, Moved, RuleAttribution

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.core.attribution.case import Case
    from gatekeeper.core.attribution.game import Design, Weights
    from gatekeeper.core.attribution.players import Player
    from gatekeeper.core.attribution.resampling import Values
    from gatekeeper.model.attribution import Code

CONFIDENCE: Final = 0.95
_DIGITS: Final = 10
UNDEFINED: Final = Missing(
    "undefined", "a total that the metric divides by is zero in one of the releases", ""
)


@dataclass(frozen=True, slots=True)
class SampleBasis:
    """What figures rest on.

    Attributes:
        samples: Conversations that all releases were asked.
        suites: Where they are from.
    """

    samples: int = 0
    suites: Sequence[str] = ()


def change_between(case: Case, values: Values) -> Moved | Missing:
    """By how much a metric moved between two releases, in the unit of a rule about it."""
    if not values.defined:
        return UNDEFINED
    return _Teller(case, values, CONFIDENCE).moved(game.total(game.design(1, 0)))


def figures(
    case: Case, made: Design, players: Sequence[Player], values: Values, basis: SampleBasis
) -> RuleAttribution:
    """Every figure of a rule, and nobody named."""
    tell = _Teller(case, values, 1 - (1 - CONFIDENCE) / max(1, made.players))
    shares = [
        ComponentShare(
            component=player.name,
            components=player.components,
            moved=tell.moved(game.shapley(made, place), game.draws(made, place)),
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
    return row(
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
        suites=tuple(basis.suites),
        samples=basis.samples,
        units=values.units,
    )


@dataclass(frozen=True, slots=True)
class _Teller:
    """Movements in the unit of a rule."""

    case: Case
    values: Values
    confidence: float

    def moved(self, weights: Weights, draws: Sequence[Weights] = ()) -> Moved:
        """What the components in `weights` moved, in the unit that people read."""
        relative = self.case.unit_for(self.values) == "relative"
        scale = 1.0 if relative else self.case.metric.scale
        found = self.values.moved(weights, self.confidence, draws, relative=relative)
        bounds = (found.low, found.high)
        low, high = (None if one is None else _digits(one * scale) for one in bounds)
        return Moved(value=_digits(found.value * scale), low=low, high=high)


def excludes_zero(moved: Moved) -> bool:
    """Whether something surely moved."""
    return moved.low is not None and moved.high is not None and (moved.low > 0 or moved.high < 0)


def row(case: Case, code: Code, reason: str, **rest: object) -> RuleAttribution:
    """What is said of a rule, with what every row of one has."""
    rule = case.rule
    return RuleAttribution.model_validate(
        {
            "rule": rule.name,
            "section": rule.section,
            "metric": rule.metric,
            "test": rule.test,
            "limit": rule.limit,
            "outcome": case.outcome,
            "by": rule.by or "" if case.slices else "",
            "slices": case.slices,
            "code": code,
            "reason": reason,
            **rest,
        }
    )


def _digits(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}") + 0.0
