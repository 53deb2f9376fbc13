"""Who can be named for what a rule found, in a sentence, and where nobody can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.core.attribution import game
from gatekeeper.core.attribution.figures import UNDEFINED, SampleBasis, excludes_zero, figures, row
from gatekeeper.core.measure import RELATIVE
from gatekeeper.core.observation import Missing
from gatekeeper.core.wording import listed, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.core.attribution.case import Case
    from gatekeeper.core.attribution.game import Design
    from gatekeeper.core.attribution.players import Player
    from gatekeeper.core.attribution.resampling import Values
    from gatekeeper.model.attribution import Code, ComponentShare, Moved, RuleAttribution

MOST: Final = 0.5
"""Share of what moved the bad way that whoever is named must explain."""
_ALL: Final = 0.001
"""Share of a change that is too little to be told."""
_PART: Final = 0.01
"""Share of what went wrong that who takes it back is named for."""


def unmeasured(case: Case, why: Missing) -> RuleAttribution:
    """A rule about whose metric nothing can be said."""
    return row(case, "unmeasured", why.reason)


def only_change(
    case: Case, player: Player, values: Values | Missing, basis: SampleBasis
) -> RuleAttribution:
    """One component has changed: whatever moved, it moved it, and no mix has to be evaluated."""
    if isinstance(values, Missing) and values.code == "declared":
        return unmeasured(case, values)
    if isinstance(values, Missing) or not values.defined:
        why = values.reason if isinstance(values, Missing) else UNDEFINED.reason
        what = f"{player.name} is all that changed; by how much is not known: {why}"
        return row(case, "only_change", what, guilty=(player.name,))
    found = figures(case, game.design(1, 0), (player,), values, basis)
    change = found.components[0].moved
    what = f"{player.name} is all that changed: {_span(change, found.unit)}"
    if not (excludes_zero(change) or case.counted):
        what += ", which can be chance"
    return found.model_copy(
        update={"code": "only_change", "reason": what, "guilty": (player.name,)}
    )


def attributed(
    case: Case,
    made: Design,
    players: Sequence[Player],
    values: Values | Missing,
    basis: SampleBasis,
) -> RuleAttribution:
    """Who moved the metric of a rule, and whether somebody can be named."""
    if isinstance(values, Missing):
        return unmeasured(case, values)
    if not values.defined:
        return unmeasured(case, UNDEFINED)
    found = figures(case, made, players, values, basis)
    code, reason, guilty = _named(case, found)
    if guilty and _beyond_before(case, found):
        reason += "; it was beyond its limit before the change, too"
    return found.model_copy(update={"code": code, "reason": reason, "guilty": guilty})


def _beyond_before(case: Case, found: RuleAttribution) -> bool:
    """Whether an absolute rule was broken before the change, going by its estimate."""
    limit = 0.0 if case.counted else case.rule.limit
    if limit is None or case.rule.test in RELATIVE or found.baseline is None:
        return False
    return case.bad * (found.baseline - limit) > 0


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
    if not excludes_zero(found.change):
        return "cannot_tell", "cannot tell: the whole change can be chance", ()
    return "cannot_tell", "cannot tell: no component surely explains most of the change", ()


def _good(case: Case, found: RuleAttribution) -> str:
    """Where the change as a whole made it no worse: by whom, or how bad it was before."""
    if case.outcome not in {"pass", "not_applicable"}:
        before = number(found.baseline, case.metric.unit)
        return f"the change did not move it the bad way: it was {before} before"
    best, worst = found.components[-1], found.components[0]
    what = "it did not move the bad way"
    if excludes_zero(best.moved) and case.bad * best.moved.value < 0:
        what = f"it moved the good way, most by {best.component}"
    if excludes_zero(worst.moved) and case.bad * worst.moved.value > 0:
        what += f"; that hides {worst.component}, which moved it the bad way by "
        what += _signed(worst.moved.value, found.unit)
    return what


def _sure(one: ComponentShare, case: Case) -> bool:
    """Whether a component moved it the bad way beyond chance.

    A rule that allows no occurrence at all is about the samples themselves and not about a rate:
    there it is enough that they occur whichever way the component is mixed in.
    """
    if case.counted:
        return one.alone.value > 0 and one.last.value > 0
    return excludes_zero(one.moved)


def _sentence(named: Sequence[str], share: float, found: RuleAttribution, whole: float) -> str:
    """How much of what went wrong the named explain, and what is left of it in all."""
    verb = "explains" if len(named) == 1 else "explain"
    what = f"{listed(named)} {verb} {share * 100:.0f} % of the {_signed(whole, found.unit)}"
    told = f"{what} that went the wrong way"
    total = found.change.value if found.change else whole
    if abs(total - whole) <= _ALL * abs(whole):
        return told
    back = [
        one.component for one in found.components if one.moved.value * whole < -_PART * whole**2
    ]
    takes = "takes" if len(back) == 1 else "take"
    what = f"{listed(back) or 'others'} {takes} part of that back"
    return f"{told}; {what}: {_signed(total, found.unit)} in all"


def _signed(value: float, unit: str) -> str:
    return f"{'-' if value < 0 else '+'}{number(abs(value), unit).lstrip('+')}"


def _span(moved: Moved, unit: str) -> str:
    """A movement and its interval, for a sentence."""
    found = number(moved.value, unit)
    if moved.low is None or moved.high is None:
        return found
    return f"{found}, between {number(moved.low, unit)} and {number(moved.high, unit)}"
