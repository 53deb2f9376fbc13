"""Outcomes as people see them: marks, order, names, and what blocks a release."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from gatekeeper.core.canonical import short
from gatekeeper.core.wording import narrow, number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatekeeper.model.verdict import RuleOutcome, RuleResult, Verdict

MARKS: Final[dict[str, tuple[str, str]]] = {
    "pass": ("✓", "green"),
    "fail": ("✗", "red"),
    "inconclusive": ("?", "yellow"),
    "error": ("!", "red"),
    "skipped": ("»", "yellow"),
    "not_applicable": ("-", "dim"),
}
"""A mark of its own for each, so that nothing rests on the colour beside it."""
ORDER: Final[tuple[RuleOutcome, ...]] = (
    "fail",
    "error",
    "inconclusive",
    "skipped",
    "not_applicable",
    "pass",
)
SETTLED: Final = frozenset({"pass", "skipped", "not_applicable"})
"""Outcomes that ask nothing of anybody."""


def blocking(verdict: Verdict) -> frozenset[str]:
    """Names of the rules that keep the release from passing."""
    found = {rule.rule for rule in verdict.rules if rule.blocks}
    if not found and verdict.outcome != "pass":  # decided before rules said so themselves
        found = {
            rule.rule
            for rule in verdict.rules
            if rule.severity == "block" and rule.outcome not in SETTLED
        }
    return frozenset(found)


def first_to_tell(verdict: Verdict) -> list[RuleResult]:
    """The rules, what blocks first, then by outcome; the order of the policy otherwise."""
    blocks = blocking(verdict)
    return sorted(
        verdict.rules, key=lambda rule: (rule.rule not in blocks, ORDER.index(rule.outcome))
    )


def tally(rules: Iterable[RuleResult]) -> str:
    """``1 fail, 9 pass``."""
    counts = Counter(rule.outcome for rule in rules)
    return ", ".join(f"{counts[one]} {spoken(one)}" for one in ORDER if counts[one])


def spoken(outcome: str) -> str:
    """An outcome as a word."""
    return outcome.replace("_", " ")


def release_name(verdict: Verdict) -> str:
    """The candidate."""
    return named(verdict.release_name, verdict.release)


def against(verdict: Verdict) -> str:
    """What it was compared with, as the end of a sentence."""
    if verdict.baseline is None:
        return ", no baseline"
    return f" against {named(verdict.baseline_name, verdict.baseline)}"


def named(name: str, digest: str) -> str:
    """A release by its name and the beginning of its digest."""
    return f"{name}@sha256:{short(digest)}" if name else f"sha256:{short(digest)}"


def policy_called(verdict: Verdict) -> str:
    """The policy by its name, or by the beginning of its digest."""
    return verdict.policy_name or short(verdict.policy)


def upper(rule: RuleResult) -> bool:
    """Whether the limit bounds from above."""
    return rule.test.startswith("max") or rule.test == "census"


def amount(value: float | None, unit: str) -> str:
    """A value with its unit."""
    return f"{value:g}" if value is not None and not unit else number(value, unit)


def column(value: float | None, unit: str) -> str:
    """The same, narrow."""
    return f"{value:g}" if value is not None and not unit else narrow(value, unit)


def distance(value: float | None, unit: str) -> str:
    """A difference of two values of a unit, without its sign."""
    if value is None:
        return "-"
    size = abs(value)
    if unit in {"rate", "points", "relative"}:
        points = size * 100
        return f"{points:.1f} points" if points >= 10 else f"{points:.2g} points"  # noqa: PLR2004
    return amount(size, unit)


def decisive(rule: RuleResult) -> tuple[str, float | None]:
    """The bound that its outcome rests on, or that keeps it open: its side, and where it is."""
    is_upper = upper(rule) != (rule.outcome == "fail")
    return ("≤", rule.high) if is_upper else ("≥", rule.low)


def margin(rule: RuleResult) -> float | None:
    """How far the estimate is on the good side of the limit; null where that has no meaning."""
    if rule.margin is not None:
        return rule.margin
    if rule.estimate is None or rule.limit is None:
        return None
    return (rule.limit - rule.estimate) if upper(rule) else (rule.estimate - rule.limit)
