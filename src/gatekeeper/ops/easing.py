"""What a verdict demands less of than the one before it, and whether it passes by that alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gatekeeper.core.policy.basis import Basis, basis_eased, other_facts
from gatekeeper.core.policy.diff import loosened
from gatekeeper.core.results import overall
from gatekeeper.ops.soundness import unsound

if TYPE_CHECKING:
    from datetime import datetime

    from gatekeeper.model.asked import Asked
    from gatekeeper.model.facts import Facts
    from gatekeeper.model.run import Run
    from gatekeeper.model.verdict import Loosened, Outcome
    from gatekeeper.ops.policy import Policy
    from gatekeeper.ops.rule_results import JudgedRun


@dataclass(frozen=True, slots=True)
class Eased:
    """What is demanded less.

    Attributes:
        needed: The release passes only because of that, or nobody can tell.
    """

    all: tuple[Loosened, ...] = ()
    needed: bool = False


def basis_of(run: Run) -> Basis:
    """The eval sets and the prices of a run."""
    return Basis(
        {one.name: one.digest for one in run.sets},
        {one.name: _with_code(run, one.asked) for one in run.sets if one.asked is not None},
        run.prices,
    )


def _with_code(run: Run, asked: Asked) -> Asked:
    """What a set asks, with the versions of the plug-ins that judge it."""
    scorers = asked.judged.get("scorers")
    listed = [one for one in scorers if isinstance(one, dict)] if isinstance(scorers, list) else []
    names = [f"scorer {one.get('name') or one.get('scorer')}" for one in listed]
    known = run.engines.get("scorers", {})
    code = {name: known[name] for name in names if name in known}
    return asked.model_copy(update={"judged": {**asked.judged, **code}}) if code else asked


def eased(judged: JudgedRun, basis: Basis, outcome: Outcome, decided: datetime) -> Eased:
    """What became easier than for the active release; nothing while limits are tried.

    What the policy demands less can be decided again as it was before. What easier samples or lower
    prices did cannot be, so whatever passes on them needs somebody's word. Facts are of a period,
    and others are nothing unusual: they are told where the release passes by them alone.

    Args:
        judged: The run before its policy, which knows the one before it.
        basis: Eval sets and prices of the run.
        outcome: Of the decision.
        decided: Its moment.
    """
    policy = judged.policy
    before = policy.before
    if before is None or policy.limits:
        return Eased()
    rules = loosened(before, policy)
    others = basis_eased(before, replace(policy, basis=_asked(judged.run, before.basis, basis)))
    facts = tuple(other_facts(before.facts, policy.facts))
    if outcome != "pass" or others or not (rules or facts):
        return Eased((*rules, *others), bool(others))
    if _passed(judged, before, decided, before.facts or policy.facts):
        return Eased(rules)
    return Eased((*rules, *facts), needed=True)


def _asked(run: Run, before: Basis, now: Basis) -> Basis:
    """As if sets that the run did without had been asked: no promotion rests on it anyway."""
    kept = {name: before.asked[name] for name in run.unasked if name in before.asked}
    return replace(now, asked={**now.asked, **kept})


def _passed(judged: JudgedRun, before: Policy, decided: datetime, facts: Facts | None) -> bool:
    """Whether the policy before would have let the release pass, by some facts."""
    allowed = {rule.name for rule in before.rules if rule.skippable}
    skips = {name: skip for name, skip in judged.policy.skips.items() if name in allowed}
    measurements = judged.measurements.given(facts)
    policy = replace(before, facts=facts, skips=skips)
    again = replace(judged, policy=policy, measurements=measurements)
    unfit = unsound(judged.run, measurements, before.value, decided)
    return overall([*unfit, *again.results()]) == "pass"
