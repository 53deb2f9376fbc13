"""What every rule of a policy finds in a run: measured, decided, and looked into."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from gatekeeper.core import unmeasured
from gatekeeper.core.answering import Answered
from gatekeeper.core.correction import corrected
from gatekeeper.core.decide import decide
from gatekeeper.core.measure import RELATIVE
from gatekeeper.core.metrics.catalogue import SEEN
from gatekeeper.core.observation import Missing
from gatekeeper.core.policy.forms import multiplicity
from gatekeeper.core.policy.use import refuse_skips
from gatekeeper.core.results import missing, result
from gatekeeper.core.slicing import decide_slices, look_through
from gatekeeper.model.verdict import Variation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.model.base import ComponentName
    from gatekeeper.model.policy import Rule
    from gatekeeper.model.run import Run
    from gatekeeper.model.verdict import RuleResult
    from gatekeeper.ops.measurements import Measurements
    from gatekeeper.ops.policy import Policy

_LOOKED_INTO: Final = frozenset({"fail", "inconclusive"})
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


@dataclass(frozen=True)
class JudgedRun:
    """One run before one policy."""

    run: Run
    measurements: Measurements
    policy: Policy
    changed: tuple[ComponentName, ...] = ()

    @cached_property
    def _answered(self) -> Mapping[str, Answered]:
        return self.measurements.baseline_answered()

    def prepare(self) -> None:
        """Announce the metrics of all rules."""
        metrics, rules = self.policy.metrics, self.policy.rules
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
        return found + [unmeasured.composite(rule, found) for rule in composites]

    def _result(self, rule: Rule, broken: Missing | None) -> RuleResult:
        if rule.name in self.policy.skips:
            return unmeasured.skipped(rule, self.policy.skips[rule.name])
        if broken and rule.test != "evidence":
            return missing(rule, broken, look_at=f"the run {self.run.id}")
        if rule.metric == SEEN:
            return _seen(self.run, rule)
        if rule.test == "evidence":
            return unmeasured.evidence(rule)
        if rule.test == "must_pass":
            return unmeasured.critical(rule, self.measurements.critical(rule.samples))
        return self._incomparable(rule) or self._measured(rule)

    def _incomparable(self, rule: Rule) -> RuleResult | None:
        """Why a relative rule has nothing to compare with."""
        if rule.test not in RELATIVE:
            return None
        if self.run.baseline is None:
            if self.run.first_release:
                return unmeasured.not_applicable(rule)
            return missing(rule, _NO_BASELINE, look_at="`gatekeeper evaluate --baseline`")
        if self.run.baseline == self.run.candidate:
            return missing(rule, _SAME, look_at="`gatekeeper evaluate --baseline`")
        suites = self.policy.metrics[rule.metric].suites
        there = [one for suite, one in self._answered.items() if suite in suites or not suites]
        unfit = sum(there, Answered()).unfit
        return missing(rule, unfit, look_at=f"the run {self.run.id}") if unfit else None

    def _measured(self, rule: Rule) -> RuleResult:
        metric, paired = self.policy.metrics[rule.metric], rule.test in RELATIVE
        if rule.by is not None:
            return decide_slices(
                rule, metric, self.measurements.slices(metric, rule.by, paired=paired)
            )
        seen = self.measurements.observe(metric, paired=paired)
        found = decide(rule, metric, seen)
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
        metric, paired = self.policy.metrics[rule.metric], rule.test in RELATIVE
        told: dict[str, object] = {
            "samples": self.measurements.contributions(metric, paired=paired),
            "suspects": _suspects(metric, self.changed),
        }
        if rule.by is None and (by := self.measurements.tags(metric.suites)):
            seen = self.measurements.slices(metric, by[0], paired=paired)
            if len(seen) > 1:
                told |= {"by": by[0], "slices": look_through(rule, metric, seen)}
        return found.model_copy(update=told)


def _suspects(metric: Metric, changed: tuple[ComponentName, ...]) -> tuple[ComponentName, ...]:
    """Changed components, those first that are known to move the metric."""
    known = [name for name in metric.components if name in changed]
    return (*known, *(name for name in changed if name not in known))


def _seen(run: Run, rule: Rule) -> RuleResult:
    """Whether samples were found in the prompt or the snapshot before the run began."""
    if run.source is not None:
        return missing(rule, _UNSEARCHED)
    if not run.contamination:
        count = sum(one.samples for one in run.sets)
        reason = f"none of {count:,} samples was found in the prompt or the documents"
        return result(rule, "pass", "shown", reason, n=count)
    reason = "; ".join(run.contamination)[:4096]
    look_at = "those samples, and the prompt or document that holds them"
    return result(rule, "fail", "contaminated", reason, look_at=look_at)
