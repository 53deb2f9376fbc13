"""Decide a stored run by a policy. No inference, and the same bytes every time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol

from gatekeeper.core import decide as rules_of
from gatekeeper.core.canonical import canonical_model, digest
from gatekeeper.core.correction import corrected
from gatekeeper.core.measure import RELATIVE
from gatekeeper.core.metrics.catalogue import SEEN
from gatekeeper.core.observation import Missing
from gatekeeper.core.policy.dates import of_other_days, overdue
from gatekeeper.core.policy.diff import loosened
from gatekeeper.core.policy.forms import (
    metrics_of,
    multiplicity,
    normalise,
    policy_digest,
    policy_name,
    priority,
    unlocated,
)
from gatekeeper.core.policy.use import refuse_skips, with_limits
from gatekeeper.core.slicing import decide_slices, look_through
from gatekeeper.core.wording import listed
from gatekeeper.model.policy import RUN_SECTION
from gatekeeper.model.verdict import Inputs, PastPolicy, Variation, Verdict
from gatekeeper.ops.soundness import undecided, unsound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.core.observation import Critical, Failures, Observation
    from gatekeeper.core.policy.rules import Locate
    from gatekeeper.core.statistics.replicates import Components
    from gatekeeper.model.base import ComponentName
    from gatekeeper.model.facts import Facts
    from gatekeeper.model.policy import AnyPolicy, Rule
    from gatekeeper.model.run import Run
    from gatekeeper.model.verdict import Contribution, Loosened, RuleResult, Skip


class Measurements(Protocol):
    """A run's tables, as far as a decision needs them."""

    def conversations(self, release: str) -> Mapping[str, int]:
        """First requests of a release by suite."""
        ...

    def price_books(self) -> tuple[str, ...]:
        """Digests of the price books that calls were priced with; "" for a call without one."""
        ...

    def expect(self, metrics: Iterable[Metric]) -> None:
        """Say what will be asked for, so that no more is read of the records; not a promise."""
        ...

    def failures(self) -> Failures:
        """How much of the candidate's requests and scores are errors."""
        ...

    def observe(self, metric: Metric, *, paired: bool) -> Observation:
        """What a decision about the candidate needs, against the baseline where `paired`."""
        ...

    def slices(self, metric: Metric, by: str, *, paired: bool) -> Mapping[str, Observation]:
        """The same in each slice: by the values of a tag or of a column of requests."""
        ...

    def tags(self, suites: Sequence[str]) -> tuple[str, ...]:
        """Tags whose few values part the samples of some suites, or of all."""
        ...

    def replicates(self, metric: Metric) -> Components | None:
        """How values vary between samples and between replicates of one, where there are any."""
        ...

    def contributions(self, metric: Metric, *, paired: bool) -> tuple[Contribution, ...]:
        """The samples that moved the metric the wrong way most."""
        ...

    def critical(self, wanted: Sequence[str]) -> tuple[Critical, ...]:
        """How the samples did that a policy calls critical."""
        ...


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as it is applied: what it says, and what it was given from outside.

    Attributes:
        parameters: Values of the names that conditions mention.
        locate: Places a problem in the file that it came from.
        limits: Limits tried in place of the policy's own, by the name of the rule.
        skips: Rules taken out of the decision, by name, and who did.
        facts: What no record knows.
        facts_given: They were given by hand, and are not what the policy names.
        before: The policy that decided the active release, where that is known.
        sets: Digests of the eval sets that it decided by, of a policy that decided before.
    """

    value: AnyPolicy
    parameters: Mapping[str, float] = field(default_factory=dict)
    locate: Locate = unlocated
    limits: Mapping[str, float] = field(default_factory=dict)
    skips: Mapping[str, Skip] = field(default_factory=dict)
    facts: Facts | None = None
    facts_given: bool = False
    before: Policy | None = None
    sets: Mapping[str, str] = field(default_factory=dict)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Its rules; raises `InputError` with every line that is none."""
        rules = normalise(self.value, self.parameters, self.locate)
        return with_limits(rules, self.limits) if self.limits else rules


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
    judged = _Bench(run, measurements, policy, changed)
    judged.prepare()
    results = [*unsound(run, measurements, policy.value, decided), *judged.results()]
    results += undecided(run, results)
    outcome = rules_of.overall(results)
    easier = _loosened(policy)
    return Verdict(
        outcome=outcome,
        release=run.candidate.digest,
        release_name=run.candidate.name,
        baseline=run.baseline.digest if run.baseline else None,
        baseline_name=run.baseline.name if run.baseline else "",
        run=run.id,
        run_digest=digest(canonical_model(run)),
        policy=policy_digest(policy.value, policy.parameters),
        policy_name=policy_name(policy.value),
        price_book=run.price_book,
        parameters=dict(policy.parameters),
        rules=_ordered(results, policy.value),
        decided=decided,
        ended=run.ended,
        source=run.source,
        cached_calls=run.spend.cached_calls,
        drift=run.drift,
        sets={one.name: one.digest for one in run.sets},
        engines=_engines(run),
        warnings=(
            *overdue(policy.value, decided.date()),
            *_of_facts(policy, decided),
            *_other_sets(policy, run),
        ),
        loosened=easier,
        needs_approval=bool(easier) and outcome == "pass" and _needed(judged, decided),
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


@dataclass(frozen=True, slots=True)
class _Bench:
    """One run before one policy."""

    run: Run
    measurements: Measurements
    policy: Policy
    changed: tuple[ComponentName, ...] = ()

    @property
    def _metrics(self) -> Mapping[str, Metric]:
        return metrics_of(self.policy.value)

    def prepare(self) -> None:
        """Announce the metrics of all rules."""
        metrics, rules = self._metrics, self.policy.rules
        self.measurements.expect(metrics[one.metric] for one in rules if one.metric in metrics)

    def results(self) -> list[RuleResult]:
        """What every rule found, in the order in which the policy gives them."""
        rules = self.policy.rules
        refuse_skips(rules, self.policy.skips)
        plain = [rule for rule in rules if rule.test != "all_pass"]
        broken = self.measurements.failures().missing
        found = [self._result(rule, broken) for rule in plain]
        found = corrected(plain, found, multiplicity(self.policy.value))
        found = [self._told(rule, one) for rule, one in zip(plain, found, strict=True)]
        composites = [rule for rule in rules if rule.test == "all_pass"]
        return found + [rules_of.composite(rule, found) for rule in composites]

    def _result(self, rule: Rule, broken: Missing | None) -> RuleResult:
        if rule.name in self.policy.skips:
            return rules_of.skipped(rule, self.policy.skips[rule.name])
        if broken and rule.test != "evidence":
            return rules_of.missing(rule, broken, look_at=f"the run {self.run.id}")
        if rule.metric == SEEN:
            return _seen(self.run, rule)
        if rule.test == "evidence":
            return rules_of.evidence(rule)
        if rule.test == "must_pass":
            return rules_of.critical(rule, self.measurements.critical(rule.samples))
        return self._incomparable(rule) or self._measured(rule)

    def _incomparable(self, rule: Rule) -> RuleResult | None:
        """Why a relative rule has nothing to compare with."""
        if rule.test not in RELATIVE:
            return None
        if self.run.baseline is None:
            if self.run.first_release:
                return rules_of.not_applicable(rule)
            return rules_of.missing(rule, _NO_BASELINE, look_at="`gatekeeper evaluate --baseline`")
        if self.run.baseline == self.run.candidate:
            return rules_of.missing(rule, _SAME, look_at="`gatekeeper evaluate --baseline`")
        return None

    def _measured(self, rule: Rule) -> RuleResult:
        metric, paired = self._metrics[rule.metric], rule.test in RELATIVE
        if rule.by is not None:
            return decide_slices(
                rule, metric, self.measurements.slices(metric, rule.by, paired=paired)
            )
        seen = self.measurements.observe(metric, paired=paired)
        found = rules_of.decide(rule, metric, seen)
        return found.model_copy(update={"variation": self._variation(metric)})

    def _variation(self, metric: Metric) -> Variation | None:
        """How much more replicates could say, where there are any."""
        if all(one.replicates == 1 for one in self.run.sets):
            return None
        found = self.measurements.replicates(metric)
        if found is None:
            return None
        return Variation(
            between=float(f"{found.between:.10g}"),
            within=float(f"{found.within:.10g}"),
            samples=found.samples,
            conversations=found.values,
        )

    def _told(self, rule: Rule, found: RuleResult) -> RuleResult:
        """With what to look at, where a measured rule is not met: samples, slices, components."""
        if found.estimate is None or found.outcome not in _LOOKED_INTO:
            return found
        if rule.test == "must_pass":
            return found.model_copy(update={"suspects": self.changed})
        metric, paired = self._metrics[rule.metric], rule.test in RELATIVE
        told: dict[str, object] = {
            "samples": self.measurements.contributions(metric, paired=paired),
            "suspects": _suspects(metric, self.changed),
        }
        if rule.by is None and (by := self.measurements.tags(metric.suites)):
            seen = self.measurements.slices(metric, by[0], paired=paired)
            if len(seen) > 1:
                told |= {"by": by[0], "slices": look_through(rule, metric, seen)}
        return found.model_copy(update=told)


_LOOKED_INTO: Final = frozenset({"fail", "inconclusive"})


def _suspects(metric: Metric, changed: tuple[ComponentName, ...]) -> tuple[ComponentName, ...]:
    """Changed components, those first that are known to move the metric."""
    known = [name for name in metric.components if name in changed]
    return (*known, *(name for name in changed if name not in known))


def _loosened(policy: Policy) -> tuple[Loosened, ...]:
    """What the policy demands less of than the one before it; nothing while limits are tried."""
    if policy.before is None or policy.limits:
        return ()
    return loosened(policy.before, policy)


def _of_facts(policy: Policy, decided: datetime) -> Iterator[str]:
    """What to know of the facts before relying on them."""
    if policy.facts is None:
        return
    if policy.facts_given:
        yield "the facts were given by hand (--facts), not by the policy"
    yield from of_other_days(policy.facts, decided.date())


def _other_sets(policy: Policy, run: Run) -> Iterator[str]:
    """What the active release was asked and this one was not: easier samples are an easier gate."""
    now = {one.name: one.digest for one in run.sets}
    before = policy.before.sets if policy.before else {}
    if absent := sorted(before.keys() - now.keys()):
        sets = f"eval set{'' if len(absent) == 1 else 's'} {listed(absent)}"
        yield f"the active release was decided by the {sets}, too; not run here"
    for name in sorted(before.keys() & now.keys()):
        if now[name] != before[name]:
            yield f"the eval set {name} is another than the one that decided the active release"


def _needed(judged: _Bench, decided: datetime) -> bool:
    """Whether the policy before would have held the release back."""
    before = judged.policy.before
    if before is None:
        return False
    allowed = {rule.name for rule in before.rules if rule.skippable}
    skips = {name: skip for name, skip in judged.policy.skips.items() if name in allowed}
    earlier = replace(before, facts=judged.policy.facts, skips=skips)
    unfit = unsound(judged.run, judged.measurements, before.value, decided)
    return rules_of.overall([*unfit, *replace(judged, policy=earlier).results()]) != "pass"


def _inputs(policy: Policy, changed: tuple[ComponentName, ...]) -> Inputs:
    before = policy.before
    return Inputs(
        policy=policy.value.model_dump(mode="json", exclude_unset=True),
        facts=policy.facts.model_dump(mode="json", exclude_unset=True) if policy.facts else None,
        facts_given=policy.facts_given,
        limits=dict(policy.limits),
        skips=dict(policy.skips),
        before=PastPolicy(
            policy=before.value.model_dump(mode="json", exclude_unset=True),
            parameters=dict(before.parameters),
            sets=dict(before.sets),
        )
        if before
        else None,
        changed=changed,
    )


def _engines(run: Run) -> dict[str, str]:
    """What served each model, in a few words."""
    return {
        model: f"{found['engine']} {found.get('version', '')}".strip()
        for model, found in run.engines.items()
        if "engine" in found
    }


def _seen(run: Run, rule: Rule) -> RuleResult:
    """Whether samples were found in the prompt or the snapshot before the run began."""
    if run.source is not None:
        return rules_of.missing(rule, _UNSEARCHED)
    if not run.contamination:
        count = sum(one.samples for one in run.sets)
        reason = f"none of {count:,} samples was found in the prompt or the documents"
        return rules_of.result(rule, "pass", "shown", reason, n=count)
    reason = "; ".join(run.contamination)[:4096]
    look_at = "those samples, and the prompt or document that holds them"
    return rules_of.result(rule, "fail", "contaminated", reason, look_at=look_at)


_UNSEARCHED: Final = Missing(
    "unsearched",
    "the run was imported, and nothing says what its samples were",
    "a run of `gatekeeper evaluate`",
)
_NO_BASELINE: Final = Missing(
    "no_baseline",
    "it compares with a baseline, and the run has none",
    "a run with `--baseline env:NAME`",
)
_SAME: Final = Missing(
    "no_baseline", "the baseline is the candidate itself", "a run against another release"
)


def _ordered(results: list[RuleResult], policy: AnyPolicy) -> tuple[RuleResult, ...]:
    """Sections by priority; in a section, as the policy has them."""
    order = {name: place for place, name in enumerate((RUN_SECTION, *priority(policy)))}
    return tuple(sorted(results, key=lambda one: order.get(one.section, len(order))))
