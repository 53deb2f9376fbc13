"""Who moved the metric of a rule, once the mixed releases were evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.core.attribution import critical, naming
from gatekeeper.core.attribution.figures import SampleBasis
from gatekeeper.core.attribution.resampling import resampled
from gatekeeper.core.attribution.samples import Scope, table, unmeasurable
from gatekeeper.core.observation import Missing
from gatekeeper.core.policy.rules import MUST_PASS
from gatekeeper.core.wording import listed
from gatekeeper.ops.attributable import suites_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.core.attribution.case import Case
    from gatekeeper.core.attribution.resampling import Values
    from gatekeeper.core.attribution.seen import Table
    from gatekeeper.model.attribution import RuleAttribution
    from gatekeeper.model.run import Run
    from gatekeeper.ops.attribute import Bench, Plan


def shared_out(
    case: Case, run: Run, made: Plan, bench: Bench, known: list[tuple[Case, Values]]
) -> RuleAttribution:
    """Who moved a rule's metric; its values join `known`."""
    suites = suites_of(case, run)
    seen = _table(case, suites, run, made, bench)
    values = seen if isinstance(seen, Missing) else resampled(seen, run.seed)
    if not isinstance(values, Missing):
        known.append((case, values))
    samples = 0 if isinstance(seen, Missing) else len(seen.unit)
    found = _told(case, made, values, SampleBasis(samples, suites))
    if isinstance(seen, Missing):
        return found
    if case.rule.test == MUST_PASS:
        return critical.named(found, critical.broken(seen, made.design, made.players), made.players)
    return found.model_copy(update={"facts": seen.blend.names if seen.blend else ()})


def _table(
    case: Case, suites: Sequence[str], run: Run, made: Plan, bench: Bench
) -> Table | Missing:
    """What all coalitions show of a rule's metric."""
    if why := unmeasurable(case.metric, case.facts):
        return why
    unseen = sorted(set(suites) - set(run.baseline_suites))
    if len(made.players) == 1 and unseen:
        return Missing("no_baseline", f"the baseline was not asked {listed(unseen)}", "")
    taken = {one: made.taken(one) for one in made.design.coalitions}
    seen = {one: bench.rows(case, mix, suites) for one, mix in taken.items()}
    against = {}
    for one in made.asks:
        session = bench.against(case, taken[one], suites) if one else None
        if session is not None:
            against[one] = session
    return table(case.metric, seen, against, Scope(case.facts, bench.members(case)))


def _told(case: Case, made: Plan, values: Values | Missing, basis: SampleBasis) -> RuleAttribution:
    if len(made.players) == 1:
        return naming.only_change(case, made.players[0], values, basis)
    return naming.attributed(case, made.design, made.players, values, basis)
