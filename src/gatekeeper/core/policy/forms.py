"""Every form of a gate policy becomes one tuple of rules, or every reason why it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.core.canonical import canonical, digest
from gatekeeper.core.measure import RELATIVE
from gatekeeper.core.metrics.catalogue import ALIASES, COMPOSITES, EVIDENCE, METRICS, SEEN
from gatekeeper.core.own_metrics import own_metrics
from gatekeeper.core.policy.conditions import add_lines
from gatekeeper.core.policy.rules import MUST_PASS, Line, Rules
from gatekeeper.errors import InputError, Problem
from gatekeeper.model.policy import (
    PRIORITY,
    RUN_SECTION,
    TESTS,
    GatePolicy,
    PolicyDefaults,
    ReleaseGate,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.core.policy.rules import KeyPath, Locate
    from gatekeeper.model.evalset import Suite
    from gatekeeper.model.policy import (
        AnyPolicy,
        Multiplicity,
        Rule,
        Section,
        Test,
    )

SUITES: Final[tuple[Suite, ...]] = ("quality", "structured", "safety", "benign", "agent", "load")


def unlocated(key_path: KeyPath, message: str, accepted: str = "", nearest: str = "", /) -> Problem:
    """A problem in a policy that came from no file."""
    path = ".".join(map(str, key_path))
    return Problem(message, path=path, accepted=accepted, nearest=nearest)


def normalise(
    policy: AnyPolicy,
    parameters: Mapping[str, float] | None = None,
    locate: Locate = unlocated,
) -> tuple[Rule, ...]:
    """The rules of a policy, in the order in which it gives them.

    Args:
        policy: Any of the three forms.
        parameters: Values of names that conditions mention; they replace those of the policy.
        locate: Places a problem in the file that the policy came from.

    Raises:
        InputError: Unknown metrics, parameters without a value, limits that cannot be, rules
            said twice, or no rule at all; everything at once.
    """
    metrics = metrics_of(policy)
    owner = policy.metadata.owner if isinstance(policy, GatePolicy) else ""
    rules = Rules(locate, defaults(policy), metrics, owner)
    if isinstance(policy, ReleaseGate):
        _reserved(rules, ("release_gate",), policy.release_gate)
        for name, limits in policy.release_gate.items():
            _short_forms(rules, ("release_gate", name), name, limits)
    else:
        if isinstance(policy, GatePolicy):
            _own(rules, policy)
            _reserved(rules, ("sections",), policy.sections)
            for name, section in policy.sections.items():
                _section(rules, name, section)
            parameters = {**policy.parameters, **(parameters or {})}
        add_lines(rules, "require", policy.require, parameters or {})
        add_lines(rules, "deny_if", policy.deny_if, parameters or {})
    rules.compare()
    _count(rules, policy)
    if rules.problems:
        raise InputError(sorted(rules.problems, key=lambda one: (one.line, one.column)))
    return rules.made


def metrics_of(policy: AnyPolicy) -> Mapping[str, Metric]:
    """Every metric that a policy's rules may name: the library, and its own."""
    own = own_metrics(policy.metrics) if isinstance(policy, GatePolicy) else {}
    return {**own, **METRICS} if own else METRICS


def multiplicity(policy: AnyPolicy) -> Multiplicity:
    """How p-values of failing are corrected for how many rules there are."""
    return policy.multiplicity if isinstance(policy, GatePolicy) else "none"


def policy_digest(policy: AnyPolicy, parameters: Mapping[str, float] | None = None) -> str:
    """``sha256:…`` of what a policy says; parameters given from outside make it another policy.

    Of what is written in it, without what a version of gatekeeper adds: a new key with a default
    makes no new policy.
    """
    content = policy.model_dump(mode="json", exclude_unset=True)
    return digest(
        canonical({"policy": content, "parameters": dict(parameters)} if parameters else content)
    )


def policy_name(policy: AnyPolicy) -> str:
    """How people call it."""
    if isinstance(policy, GatePolicy):
        return policy.metadata.name
    return "release_gate" if isinstance(policy, ReleaseGate) else policy.policy


def priority(policy: AnyPolicy) -> tuple[str, ...]:
    """Sections in the order in which they are told."""
    return policy.priority if isinstance(policy, GatePolicy) else PRIORITY


def defaults(policy: AnyPolicy) -> PolicyDefaults:
    """What its rules take where they say nothing."""
    return policy.defaults if isinstance(policy, GatePolicy) else PolicyDefaults()


def suites_read(rules: Iterable[Rule], metrics: Mapping[str, Metric]) -> tuple[str, ...] | None:
    """Suites that some rules read, sorted; None where a rule reads all there are."""
    found: set[str] = set()
    for rule in rules:
        metric = metrics.get(rule.metric)
        if rule.test == "all_pass" or (rule.test == "evidence" and rule.metric != SEEN):
            continue
        if metric is None or not metric.suites:
            return None
        found |= set(metric.suites)
    return tuple(sorted(found))


def baseline_suites(
    rules: Iterable[Rule], metrics: Mapping[str, Metric] = METRICS
) -> tuple[Suite, ...]:
    """Suites that the baseline must run for the relative rules among `rules`, sorted."""
    relative = (metrics[rule.metric] for rule in rules if rule.test in RELATIVE)
    return tuple(sorted({suite for metric in relative for suite in metric.suites or SUITES}))


def _section(rules: Rules, name: str, section: Section) -> None:
    for number, spec in enumerate(section.rules):
        path: KeyPath = ("sections", name, "rules", number, "metric")
        test, limit = spec.limit
        rules.add(Line(path, name, spec.metric, test, limit, spec, section.owner))
    _short_forms(rules, ("sections", name), name, section.model_extra or {}, section.owner)
    if section.must_pass:
        path = ("sections", name, MUST_PASS)
        line = Line(path, name, MUST_PASS, None, owner=section.owner)
        rules.demand(line, section.must_pass)


def _reserved(rules: Rules, path: KeyPath, sections: Iterable[str]) -> None:
    """Refuse the section of what a verdict says of the run itself: nobody writes its rules."""
    if RUN_SECTION in sections:
        what = f"{RUN_SECTION!r} is where a verdict says what is wrong with the run"
        rules.refuse((*path, RUN_SECTION), what, "a section of another name")


def _own(rules: Rules, policy: GatePolicy) -> None:
    """Refuse names of own metrics that mean something else already, and quantiles of nothing."""
    for name, own in policy.metrics.items():
        if name in {*METRICS, *ALIASES, *EVIDENCE, *COMPOSITES, MUST_PASS}:
            what = f"{name!r} is a name of the library, and means one thing everywhere"
            rules.refuse(("metrics", name), what, "a name of its own")
        if (own.kind == "quantile") != (own.quantile is not None):
            what = f"{name!r} is of kind {own.kind} and has {_told(own.quantile)}"
            rules.refuse(("metrics", name, "kind"), what, "`kind: quantile` and `quantile: 0.95`")


def _told(quantile: float | None) -> str:
    return "no `quantile`" if quantile is None else f"the quantile {quantile:g}"


def _count(rules: Rules, policy: AnyPolicy) -> None:
    if not rules.made and not rules.problems:
        rules.refuse((), "the policy has no rule, and no rule can never pass", "at least one rule")
    wanted = policy.expect_rules if isinstance(policy, GatePolicy) else None
    if wanted not in {None, len(rules.made)} and not rules.problems:
        what = f"the policy makes {len(rules.made)} rules, and {wanted} are expected"
        accepted = f"the rules that are missing, or `expect_rules: {len(rules.made)}`"
        rules.refuse(("expect_rules",), what, accepted)


def _short_forms(
    rules: Rules, path: KeyPath, name: str, limits: Mapping[str, float], owner: str = ""
) -> None:
    for key, limit in limits.items():
        word, test = _split(key, rules.metrics)
        rules.add(Line((*path, key), name, word, test, limit, owner=owner))


def _split(key: str, metrics: Mapping[str, Metric]) -> tuple[str, Test | None]:
    """``resolved_rate_min`` is the metric resolved_rate and the test min."""
    for test in TESTS:
        if key.endswith(f"_{test}") and key not in metrics:
            return key.removesuffix(f"_{test}"), test
    return key, None
