"""A rule and who moved its metric: a title, a sentence, and a row for each component."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.core.attribution.critical import by_cure
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.core.wording import counted, first_of, listed, narrow, number
from gatekeeper.report.markup import escape
from gatekeeper.report.outcomes import MARKS
from gatekeeper.report.tables import fold, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.model.attribution import ComponentShare, Interaction, Moved, RuleAttribution

_HEADS: Final = ("", "moved it by", "between", "added alone", "taken back")
_RIGHT: Final = frozenset({1, 2, 3, 4})
_INDENT: Final = "   "
MOST_NAMED: Final = 10
"""Critical samples that are named for each cure."""
_FEW: Final = 3
"""Slices that are named."""


def rule_text(rule: RuleAttribution, width: int, *, told: str = "") -> list[str]:
    """A rule and who moved it, the guilty one first.

    Args:
        rule: What was found out.
        width: Columns.
        told: Another rule above that says the same; then only the title is set.
    """
    mark, style = MARKS.get(rule.outcome, ("-", "dim"))
    title = f"[{style}]{mark} {escape(rule.rule)}[/{style}]"
    if rule.change is not None:
        before, after = (number(one, rule.metric_unit) for one in (rule.baseline, rule.candidate))
        title += escape(f"  {before} → {after}")
    what = f"the same as {told}" if told else f"{rule.reason}{_rests_on(rule)}"
    lines = [title, *(f"  {escape(line)}" for line in fold(what, width - 2))]
    return lines if told else [*lines, *_figures(rule, width), *_critical(rule, width)]


def _figures(rule: RuleAttribution, width: int) -> Iterator[str]:
    """A row for each component that moved it; the others in one line."""
    moving = [one for one in rule.components if _moves(one)]
    if len(rule.components) > 1 and moving:
        rows = [_row(rule, one) for one in moving]
        yield from (f"{_INDENT}{line}" for line in table(_HEADS, rows, right=_RIGHT, width=width))
        still = [one.component for one in rule.components if one not in moving]
        if still:
            what = f"{listed(still)}: not one answer made a difference"
            yield from (f"{_INDENT}  [dim]{escape(line)}[/dim]" for line in fold(what, width - 5))
    yield from (f"{_INDENT}{escape(line)}" for line in _together(rule, width - len(_INDENT)))
    if rule.facts:
        what = f"declared, and the same in every mix: {listed(rule.facts)}"
        yield from (f"{_INDENT}[dim]{escape(line)}[/dim]" for line in fold(what, width - 3))


def _critical(rule: RuleAttribution, width: int) -> Iterator[str]:
    """Critical samples by what makes them pass again."""
    for how, samples in by_cure(rule.critical):
        named = f"{how}: {first_of(samples, MOST_NAMED)}"
        first, *rest = fold(named, width - len(_INDENT) - 2)
        yield f"{_INDENT}{escape(first)}"
        yield from (f"{_INDENT}  {escape(line)}" for line in rest)


def _rests_on(rule: RuleAttribution) -> str:
    """How many samples, and of which suites where a verdict reads more of them."""
    if not rule.samples:
        return ""
    grouped = f" in {rule.units:,} clusters" if rule.units < rule.samples else ""
    metric = METRICS.get(rule.metric)
    suites = "" if metric and metric.suites else f" of {listed(rule.suites)}"
    return f"; {counted(rule.samples, 'sample')}{grouped}{suites}{_in_slices(rule)}"


def _in_slices(rule: RuleAttribution) -> str:
    """Of which slices they are, where a rule goes by slices."""
    if not rule.slices:
        return ""
    more = len(rule.slices) - _FEW
    named = [*rule.slices[:_FEW], *([f"{more} more"] if more > 0 else [])]
    return f" in {rule.by} {listed(named)}, where it did not pass"


def _moves(one: ComponentShare) -> bool:
    return any(found.value or found.high for found in (one.moved, one.alone, one.last))


def _row(rule: RuleAttribution, one: ComponentShare) -> tuple[str, ...]:
    """What it moved, on the average and both ways: added to the baseline, taken out of all."""
    guilty = "→ " if one.component in rule.guilty else "  "
    return (
        guilty + one.component,
        signed(one.moved.value, rule.unit),
        between(one.moved, rule.unit),
        signed(one.alone.value, rule.unit),
        signed(-one.last.value, rule.unit),
    )


def between(moved: Moved, unit: str) -> str:
    """The interval of a movement."""
    if moved.low is None or moved.high is None:
        return "too few"
    if moved.low == moved.high == 0:
        return "exactly"
    return f"{signed(moved.low, unit)}…{signed(moved.high, unit)}"


def signed(value: float, unit: str) -> str:
    """A movement: always with its sign, where it has one."""
    text = narrow(abs(value), unit).lstrip("+")
    if not any(digit in text for digit in "123456789"):
        return "0" if not value else text
    return f"{'-' if value < 0 else '+'}{text}"


def _together(rule: RuleAttribution, width: int) -> list[str]:
    """Pairs that surely move more, or less, together than each by itself."""
    sure = [one for one in rule.interactions if _sure(one)]
    lines = []
    for one in sure:
        amount = f"{signed(one.moved.value, rule.unit)} ({between(one.moved, rule.unit)})"
        what = f"{listed(one.components)} together: {amount} beyond what each does by itself"
        lines += fold(what, width)
    return lines


def _sure(one: Interaction) -> bool:
    low, high = one.moved.low, one.moved.high
    return low is not None and high is not None and (low > 0 or high < 0)
