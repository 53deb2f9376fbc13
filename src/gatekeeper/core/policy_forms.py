"""Every form of a gate policy becomes one tuple of rules, or every reason why it does not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gatekeeper.core.canonical import canonical, digest
from gatekeeper.core.catalogue import METRICS
from gatekeeper.core.measure import RELATIVE
from gatekeeper.core.rule_making import Line, Rules
from gatekeeper.errors import InputError, Problem
from gatekeeper.model.policy import PRIORITY, TESTS, GatePolicy, PolicyDefaults, ReleaseGate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gatekeeper.core.rule_making import KeyPath, Locate
    from gatekeeper.model.policy import AnyPolicy, Requirement, Rule, Section, Test

SUITES: Final = ("quality", "structured", "safety", "benign", "agent", "load")
_CONDITION = re.compile(
    r"\s*(?P<metric>[A-Za-z_][\w.-]*)\s*(?P<sign><=|>=)\s*(?P<limit>[\w.+-]+)\s*"
)
_WANTED: Final[dict[str, Test]] = {">=": "min", "<=": "max"}
_DENIED: Final[dict[str, Test]] = {">=": "max", "<=": "min"}


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
    rules = Rules(locate, defaults(policy))
    if isinstance(policy, ReleaseGate):
        for name, limits in policy.release_gate.items():
            _short_forms(rules, ("release_gate", name), name, limits)
    else:
        if isinstance(policy, GatePolicy):
            for name, section in policy.sections.items():
                _section(rules, name, section)
            parameters = {**policy.parameters, **(parameters or {})}
        _lines(rules, "require", policy.require, parameters or {})
        _lines(rules, "deny_if", policy.deny_if, parameters or {})
    if not rules.made and not rules.problems:
        rules.refuse((), "the policy has no rule, and no rule can never pass", "at least one rule")
    if rules.problems:
        raise InputError(rules.problems)
    return tuple(rules.made)


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


def baseline_suites(rules: Iterable[Rule]) -> tuple[str, ...]:
    """Suites that the baseline must run for the relative rules among `rules`, sorted."""
    relative = (METRICS[rule.metric] for rule in rules if rule.test in RELATIVE)
    return tuple(sorted({suite for metric in relative for suite in metric.suites or SUITES}))


def _section(rules: Rules, name: str, section: Section) -> None:
    for number, spec in enumerate(section.rules):
        path: KeyPath = ("sections", name, "rules", number, "metric")
        test, limit = spec.limit
        rules.add(Line(path, name, spec.metric, test, limit, spec))
    _short_forms(rules, ("sections", name), name, section.model_extra or {})


def _short_forms(rules: Rules, path: KeyPath, name: str, limits: Mapping[str, float]) -> None:
    for key, limit in limits.items():
        word, test = _split(key)
        rules.add(Line((*path, key), name, word, test, limit))


def _split(key: str) -> tuple[str, Test | None]:
    """``resolved_rate_min`` is the metric resolved_rate and the test min."""
    for test in TESTS:
        if key.endswith(f"_{test}") and key not in METRICS:
            return key.removesuffix(f"_{test}"), test
    return key, None


def _lines(
    rules: Rules, name: str, lines: Sequence[Requirement], parameters: Mapping[str, float]
) -> None:
    required = name == "require"
    for number, line in enumerate(lines):
        if isinstance(line, str):
            _condition(rules, (name, number), line, parameters, _WANTED if required else _DENIED)
        else:
            ((word, value),) = line.items()
            rules.flag(Line((name, number, word), "", word, None), wanted=value is required)


def _condition(
    rules: Rules,
    path: KeyPath,
    text: str,
    parameters: Mapping[str, float],
    tests: Mapping[str, Test],
) -> None:
    found = _CONDITION.fullmatch(text)
    if found is None:
        accepted = "`metric >= number` or `metric <= number`, or a parameter in place of the number"
        rules.refuse(path, f"cannot be read as a condition: {text!r}", accepted)
        return
    limit = _value(found["limit"], parameters)
    if limit is None:
        word = found["limit"]
        accepted = f"`parameters: {{{word}: 0.02}}` in the policy, or --parameter {word}=0.02"
        rules.refuse(path, f"the parameter {word!r} is required and has no value", accepted)
        return
    rules.add(Line(path, "", found["metric"], tests[found["sign"]], limit))


def _value(word: str, parameters: Mapping[str, float]) -> float | None:
    """A finite number, or the value of a parameter."""
    if word in parameters:
        return parameters[word]
    try:
        number = float(word)
    except ValueError:
        return None
    return number if abs(number) <= 1e12 else None  # noqa: PLR2004 - as everywhere in a policy
