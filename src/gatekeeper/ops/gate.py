"""Decide a stored run by a policy. No inference, and the same bytes every time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from gatekeeper.core import decide as rules_of
from gatekeeper.core.canonical import canonical_model, digest, short
from gatekeeper.core.measure import RELATIVE
from gatekeeper.core.metrics.catalogue import METRICS, SEEN
from gatekeeper.core.observation import Missing
from gatekeeper.core.policy_forms import (
    defaults,
    normalise,
    policy_digest,
    policy_name,
    priority,
    unlocated,
)
from gatekeeper.model.policy import Rule
from gatekeeper.model.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.core.observation import Failures, Observation
    from gatekeeper.core.rule_making import Locate
    from gatekeeper.model.policy import AnyPolicy
    from gatekeeper.model.run import Run
    from gatekeeper.model.verdict import RuleResult

RUN_SECTION: Final = "run"
CLOCK_SKEW: Final = timedelta(minutes=5)


class Measurements(Protocol):
    """A run's tables, as far as a decision needs them."""

    def conversations(self, release: str) -> Mapping[str, int]:
        """First requests of a release by suite."""
        ...

    def price_books(self) -> tuple[str, ...]:
        """Digests of the price books that calls were priced with; "" for a call without one."""
        ...

    def failures(self) -> Failures:
        """How much of the candidate's requests and scores are errors."""
        ...

    def observe(self, metric: Metric, *, paired: bool) -> Observation:
        """What a decision about the candidate needs, against the baseline where `paired`."""
        ...


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as it is applied: what it says, and what it was given from outside.

    Attributes:
        locate: Places a problem in the file that it came from.
    """

    value: AnyPolicy
    parameters: Mapping[str, float] = field(default_factory=dict)
    locate: Locate = unlocated

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Its rules; raises `InputError` with every line that is none."""
        return normalise(self.value, self.parameters, self.locate)


def decide_run(
    run: Run, measurements: Measurements, policy: Policy, *, decided: datetime
) -> Verdict:
    """The verdict of a policy on a run.

    Args:
        run: What was run, as it was sealed.
        measurements: Its tables.
        policy: The rules, which are read anew.
        decided: The moment of the decision: what the age of the run is measured at.

    Raises:
        InputError: The policy has a line that is no rule, or no rule at all.
    """
    rules = policy.rules
    results = [*_unsound(run, measurements, policy, decided)]
    broken = measurements.failures().missing
    plain = [rule for rule in rules if rule.test != "all_pass"]
    results += [
        rules_of.missing(rule, broken, look_at=f"the run {run.id}")
        if broken and rule.test != "evidence"
        else _decided(run, measurements, rule)
        for rule in plain
    ]
    results += [rules_of.composite(rule, results) for rule in rules if rule.test == "all_pass"]
    return Verdict(
        outcome=rules_of.overall(results),
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
    )


def _engines(run: Run) -> dict[str, str]:
    """What served each model, in a few words."""
    return {
        model: f"{found['engine']} {found.get('version', '')}".strip()
        for model, found in run.engines.items()
        if "engine" in found
    }


def _decided(run: Run, measurements: Measurements, rule: Rule) -> RuleResult:
    if rule.metric == SEEN:
        return _seen(run, rule)
    if rule.test == "evidence":
        return rules_of.evidence(rule)
    metric = METRICS[rule.metric]
    relative = rule.test in RELATIVE
    if relative and run.baseline is None:
        if run.first_release:
            return rules_of.not_applicable(rule)
        return rules_of.missing(rule, _NO_BASELINE, look_at="`gatekeeper evaluate --baseline`")
    if relative and run.baseline == run.candidate:
        return rules_of.missing(rule, _SAME, look_at="`gatekeeper evaluate --baseline`")
    return rules_of.decide(rule, metric, measurements.observe(metric, paired=relative))


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
_TWINS: Final = Missing(
    "against_itself",
    "the release was run against itself, which measures noise and decides nothing",
    "a run without `--aa`",
)
_WHOLE: Final = "a run of all samples"
_SAME: Final = Missing(
    "no_baseline", "the baseline is the candidate itself", "a run against another release"
)


def _ordered(results: list[RuleResult], policy: AnyPolicy) -> tuple[RuleResult, ...]:
    """Sections by priority; in a section, as the policy has them."""
    order = {name: place for place, name in enumerate((RUN_SECTION, *priority(policy)))}
    return tuple(sorted(results, key=lambda one: order.get(one.section, len(order))))


# -- is the run fit to decide anything? -----------------------------------------------------------


def _unsound(
    run: Run, measurements: Measurements, policy: Policy, decided: datetime
) -> Iterator[RuleResult]:
    """One error for each reason why nothing rests on this run; none of these is ever a pass."""
    checks = (
        ("complete", _incomplete(run, measurements)),
        ("compared", _TWINS if run.options.aa else None),
        ("fresh", _stale(run, defaults(policy.value).max_run_age_days, decided)),
        ("priced", _mispriced(run, measurements)),
    )
    for name, why in checks:
        if why is not None:
            rule = Rule(name=f"run.{name}", section=RUN_SECTION, metric="run", test="evidence")
            yield rules_of.missing(rule, why, look_at=f"the run {run.id}")


def _incomplete(run: Run, measurements: Measurements) -> Missing | None:
    again = "a run that comes to its end"
    if run.status != "complete":
        return Missing("partial", f"the run is {run.status}: its records are not all there", again)
    if run.partial:
        return Missing("partial", f"part of a run: {'; '.join(run.partial)}", _WHOLE)
    for release in (run.candidate, run.baseline):
        if release is None:
            continue
        expected = {suite: n for suite, n in run.expected(release.digest).items() if n}
        found = measurements.conversations(release.digest)
        for suite in sorted(expected.keys() | found.keys()):
            wanted, got = expected.get(suite, 0), found.get(suite, 0)
            if wanted != got:
                what = f"{got:,} of {wanted:,} samples of suite {suite} were recorded"
                return Missing("partial", f"{what} for {short(release.digest)}", again)
    return None


def _stale(run: Run, max_age_days: float, decided: datetime) -> Missing | None:
    again = "evaluate again"
    if run.ended is None:
        return Missing("undated", "the run does not say when it ended", again)
    if run.ended > decided + CLOCK_SKEW:
        return Missing(
            "future", f"the run ended in the future, at {run.ended:%Y-%m-%d %H:%M}", again
        )
    age = decided - run.ended
    if age > timedelta(days=max_age_days):
        what = f"the run is {age.days} days old; the policy accepts {max_age_days:g}"
        return Missing("stale", what, again)
    return None


def _mispriced(run: Run, measurements: Measurements) -> Missing | None:
    again = "a run with one price book that prices every model"
    for found in measurements.price_books():
        if not found:
            return Missing("unpriced", "calls were recorded without a price", again)
        if found != run.price_book:
            what = f"calls were priced by {short(found)}, not by the run's price book"
            return Missing("mispriced", what, again)
    return None
