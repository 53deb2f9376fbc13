"""Decide a stored run by a policy. No inference, and the same bytes every time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.core.policy.basis import Basis
from gatekeeper.core.policy.dates import of_other_days, overdue
from gatekeeper.core.policy.forms import priority
from gatekeeper.core.results import overall
from gatekeeper.core.wording import listed
from gatekeeper.model.policy import RUN_SECTION
from gatekeeper.model.verdict import Inputs, PastPolicy, Verdict
from gatekeeper.ops.easing import basis_of, eased
from gatekeeper.ops.identity import identity
from gatekeeper.ops.rule_results import JudgedRun
from gatekeeper.ops.soundness import undecided, unsound

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from pydantic import JsonValue

    from gatekeeper.model.base import ComponentName
    from gatekeeper.model.facts import Facts
    from gatekeeper.model.policy import AnyPolicy
    from gatekeeper.model.run import Run
    from gatekeeper.model.verdict import RuleResult
    from gatekeeper.ops.measurements import Measurements
    from gatekeeper.ops.policy import Policy


def decide_run(
    run: Run,
    measurements: Measurements,
    policy: Policy,
    *,
    decided: datetime,
    changed: tuple[ComponentName, ...] = (),
) -> Verdict:
    """The verdict of a policy on a run.

    Args:
        run: What was run, as it was sealed.
        measurements: Its tables.
        policy: The rules, which are read anew.
        decided: The moment of the decision: what the age of the run is measured at.
        changed: Components in which the candidate differs from the baseline.

    Raises:
        InputError: The policy has a line that is no rule, no rule at all, or a skip of a rule that
            it does not let anybody skip.
    """
    judged = JudgedRun(run, measurements, policy, changed)
    judged.prepare()
    results = [*unsound(run, measurements, policy.value, decided), *judged.results()]
    results += undecided(run, results)
    outcome = overall(results)
    basis = basis_of(run)
    easier = eased(judged, basis, outcome, decided)
    return Verdict(
        outcome=outcome,
        **identity(run, policy),
        price_book=run.price_book,
        parameters=dict(policy.parameters),
        rules=_ordered(results, policy.value),
        decided=decided,
        ended=run.ended,
        source=run.source,
        cached_calls=run.spend.cached_calls,
        drift=run.drift,
        sets=dict(basis.sets),
        unasked=run.unasked,
        asked=dict(basis.asked),
        prices=dict(basis.prices),
        engines=_engines(run),
        warnings=(
            *overdue(policy.value, decided.date()),
            *_unasked(run),
            *_of_facts(policy, decided),
            *_other_sets(policy, basis),
            *_new_prices(policy, basis),
        ),
        loosened=easier.all,
        needs_approval=outcome == "pass" and easier.needed,
        inputs=_inputs(policy, changed),
    )


def derived_again(
    verdict: Verdict, run: Run, measurements: Measurements, policy: Policy
) -> Verdict:
    """A verdict derived anew from the records and from what it says that it rests on.

    Args:
        verdict: What was decided.
        run: The run it names.
        measurements: The tables of that run.
        policy: The policy in its inputs, read again, with what it was given from outside.
    """
    return decide_run(
        run, measurements, policy, decided=verdict.decided, changed=verdict.inputs.changed
    )


def _of_facts(policy: Policy, decided: datetime) -> Iterator[str]:
    """What to know of the facts before relying on them."""
    if policy.facts is None:
        return
    if policy.facts_given:
        yield "the facts were given by hand (--facts), not by the policy"
    yield from of_other_days(policy.facts, decided.date())


def _unasked(run: Run) -> Iterator[str]:
    """Sets without which the verdict is about less than the manifest means."""
    if run.unasked:
        yield f"no promotion rests on this: of the manifest not run: {_sets(run.unasked)}"


def _other_sets(policy: Policy, basis: Basis) -> Iterator[str]:
    """Sets other than the active release's, where it is not known in what: a version kept none."""
    now, known = basis.sets, policy.before.basis if policy.before else Basis()
    before = {} if known.asked else known.sets
    if absent := sorted(before.keys() - now.keys()):
        yield f"the active release was decided by the {_sets(absent)}, too; not run here"
    for name in sorted(before.keys() & now.keys()):
        if now[name] != before[name]:
            yield f"the eval set {name} is another than the one that decided the active release"


def _new_prices(policy: Policy, basis: Basis) -> Iterator[str]:
    """Prices of models that the active release did not have: a model may only be named anew."""
    known = policy.before.basis.prices if policy.before else {}
    if known and (new := sorted(basis.prices.keys() - known.keys())):
        models = "model" if len(new) == 1 else "models"
        yield f"nothing that was decided before priced the {models} {listed(new)}"


def _sets(names: Sequence[str]) -> str:
    return f"eval set{'' if len(names) == 1 else 's'} {listed(names)}"


def _inputs(policy: Policy, changed: tuple[ComponentName, ...]) -> Inputs:
    before = policy.before
    return Inputs(
        policy=policy.value.model_dump(mode="json", exclude_unset=True),
        facts=_written(policy.facts),
        facts_given=policy.facts_given,
        limits=dict(policy.limits),
        skips=dict(policy.skips),
        before=PastPolicy(
            policy=before.value.model_dump(mode="json", exclude_unset=True),
            parameters=dict(before.parameters),
            sets=dict(before.basis.sets),
            asked=dict(before.basis.asked),
            prices=dict(before.basis.prices),
            facts=_written(before.facts),
        )
        if before
        else None,
        changed=changed,
    )


def _written(facts: Facts | None) -> dict[str, JsonValue] | None:
    return facts.model_dump(mode="json", exclude_unset=True) if facts else None


def _engines(run: Run) -> dict[str, str]:
    """What served each model, in a few words."""
    return {
        model: f"{found['engine']} {found.get('version', '')}".strip()
        for model, found in run.engines.items()
        if "engine" in found
    }


def _ordered(results: list[RuleResult], policy: AnyPolicy) -> tuple[RuleResult, ...]:
    """Sections by priority; in a section, as the policy has them."""
    order = {name: place for place, name in enumerate((RUN_SECTION, *priority(policy)))}
    return tuple(sorted(results, key=lambda one: order.get(one.section, len(order))))
