"""A verdict on one screen: what failed, by how much, how sure that is, and what to do next."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.report.advice import next_steps, notices
from gatekeeper.report.columns import wrapped
from gatekeeper.report.markup import escape, spelled_out
from gatekeeper.report.outcomes import (
    MARKS,
    ORDER,
    SETTLED,
    against,
    blocking,
    column,
    decisive,
    distance,
    margin,
    policy_called,
    release_name,
    tally,
    upper,
)
from gatekeeper.report.story import story

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gatekeeper.model.verdict import RuleResult, Verdict

WIDTH: Final = 80
WRAP: Final = 120
"""Longer lines are hard to read, however wide the terminal; only the table uses more."""
_SHORT: Final = {"not_applicable": "n/a"}
_INDENT: Final = " " * 5
_UNIT: Final = re.compile(r"(?<=\d) (%|pt|ms)")
_UNBROKEN: Final = "\u00a0"
_POWER: Final = "a rule passes 8 times of 10 where the truth"
_HEADS: Final = ("", "observed", "bound", "limit", "n")


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """The verdict as programs read it."""
    return verdict.model_dump(mode="json")


def verdict_text(verdict: Verdict, width: int = WIDTH, policy: str = "") -> str:
    """Sections by priority, what did not pass first in each and explained; then what to do.

    Args:
        verdict: What was decided.
        width: Columns of the terminal.
        policy: The file of its policy, where it is known.
    """
    wrap, blocks = min(width, WRAP), blocking(verdict)
    heads, rows = _table(verdict, width)
    widths = [max(map(len, cells)) for cells in zip(heads, *rows.values(), strict=True)]
    widths[0] = min(widths[0], max(20, width - 3 - sum(2 + size for size in widths[1:])))
    lines = [*_heading(verdict, wrap), f"   [dim]{escape(_aligned(heads, widths)[0])}[/dim]"]
    for section, members in groupby(verdict.rules, key=lambda rule: rule.section):
        found = sorted(members, key=lambda one: ORDER.index(one.outcome))
        lines.append(_section(section, found))
        for rule in found:
            shown = _aligned(rows[rule.rule], widths)
            lines += _rule(rule, verdict, shown, wrap, blocks=rule.rule in blocks)
    return "\n".join([*lines, *_ending(verdict, wrap, heads, policy)])


def p_value(rule: RuleResult) -> str:
    """The p-value of what was shown, or of what would have to be."""
    p = rule.p_fail if rule.outcome == "fail" else rule.p
    return "" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"  # noqa: PLR2004


def cells(rule: RuleResult) -> tuple[str, str, str, str]:
    """What was observed, the bound that decides, the limit, and on how much."""
    if rule.estimate is None:
        return _SHORT.get(rule.outcome, rule.outcome), "", "", ""
    observed, n = column(rule.estimate, rule.unit), f"{rule.n:,}" if rule.n else ""
    if rule.test == "census":
        return observed, f"≤ {column(rule.high, 'rate')}" if rule.high is not None else "", "0", n
    side, bound = decisive(rule)
    limit = "" if rule.limit is None else column(rule.limit, rule.unit)
    return (
        observed,
        f"{side} {column(bound, rule.unit)}" if bound is not None else "none" if limit else "",
        f"{'≤' if upper(rule) else '≥'} {limit}" if limit else "",
        n,
    )


def label(rule: RuleResult) -> str:
    """The rule inside its section, and whether it only warns."""
    name = spelled_out(rule.rule.removeprefix(f"{rule.section}."))
    return name + {"warn": " (warns)", "info": " (info)"}.get(rule.severity, "")


def _table(verdict: Verdict, width: int) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Heads, and the cells of each rule, with as many columns as there is room for."""
    heads: tuple[str, ...] = _HEADS
    rows: dict[str, tuple[str, ...]] = {
        rule.rule: (label(rule), *cells(rule)) for rule in verdict.rules
    }
    for head, cell in _MORE:
        added = {rule.rule: (*rows[rule.rule], spelled_out(cell(rule))) for rule in verdict.rules}
        wide = [
            max(map(len, column)) for column in zip((*heads, head), *added.values(), strict=True)
        ]
        if any(row[-1] for row in added.values()) and 3 + sum(wide) + 2 * len(heads) <= width:
            heads, rows = (*heads, head), added
    return heads, rows


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """One line, or two where the name alone fills the first."""
    numbers = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
    fits = len(row[0]) <= widths[0]
    line = "  ".join((row[0].ljust(widths[0]) if fits else " " * widths[0], *numbers)).rstrip()
    return [line] if fits else [row[0], line]


def _heading(verdict: Verdict, width: int) -> list[str]:
    mark, style = MARKS[verdict.outcome]
    outcome = f"[{style}][bold]{mark} {verdict.outcome.upper()}[/bold][/{style}]"
    name, than = spelled_out(release_name(verdict)), spelled_out(against(verdict))
    origin = f"policy {policy_called(verdict)}, run {verdict.run}"
    lines = [
        f"{outcome}  {tally(verdict.rules)}",
        f"  [bold]{escape(name)}[/bold]{escape(than)}",
        f"  [dim]{escape(spelled_out(origin))}[/dim]",
    ]
    for kind, text in notices(verdict):
        lines += [
            f"[yellow]{escape(line)}[/yellow]" for line in _folded(f"{kind}: {text}", width, 2)
        ]
    return lines


def _section(name: str, rules: Sequence[RuleResult]) -> str:
    owners = dict.fromkeys(rule.owner for rule in rules if rule.owner)
    owned = f"  [dim]owner: {escape(spelled_out(', '.join(owners)))}[/dim]" if owners else ""
    return f"[bold]{escape(spelled_out(name))}[/bold]{owned}"


def _rule(
    rule: RuleResult, verdict: Verdict, shown: list[str], width: int, *, blocks: bool
) -> Iterator[str]:
    mark, style = MARKS[rule.outcome]
    for place, line in enumerate(shown):
        yield f" [{style}]{mark if place == 0 else ' '} {escape(line)}[/{style}]"
    if rule.outcome not in SETTLED and rule.severity == "block" and not blocks:
        yield f"[dim]{_INDENT}does not block[/dim]"
    for name, text in story(rule, verdict):
        if name == "owner":  # the section says it
            continue
        told = f"{name}: {text}" if name else text
        yield from (f"[dim]{escape(line)}[/dim]" for line in _folded(told, width, len(_INDENT)))


def _ending(verdict: Verdict, width: int, heads: Sequence[str], policy: str) -> Iterator[str]:
    absent = {rule.reason for rule in verdict.rules if rule.outcome == "not_applicable"}
    for reason in sorted(absent):
        yield from (f"[dim]{escape(line)}[/dim]" for line in _folded(f"n/a: {reason}", width, 0))
    power = _power(verdict, width, columns="detects" in heads)
    yield from (f"[dim]{escape(line)}[/dim]" for line in power)
    steps = next_steps(verdict, policy)
    room = max((len(step.purpose) for step in steps), default=0)
    for step in steps:
        command = escape(spelled_out(step.command))
        yield f"{step.purpose:<{room}}  [cyan]{command}[/cyan]"


def _power(verdict: Verdict, width: int, *, columns: bool) -> list[str]:
    """What a release had to be to pass: what the column means, or the figures where it is not."""
    known = [
        _UNBROKEN.join([*label(rule).split(), *distance(rule.mde, rule.unit).split()])
        for rule in verdict.rules
        if rule.mde is not None and (columns or rule.outcome in SETTLED)
    ]
    if not known:
        return []
    if columns:
        return _folded(f"detects: {_POWER} is that far inside its limit", width, 0)
    return _folded(f"{_POWER} is inside the limit by: {', '.join(known)}", width, 0)


def _margin(rule: RuleResult) -> str:
    found = margin(rule)
    if found is None or rule.test == "census" or rule.estimate is None:
        return ""
    return f"{'-' if found < 0 else '+'}{distance(found, rule.unit)}"


def _folded(text: str, width: int, indent: int) -> list[str]:
    """Lines of at most `width`; a number and its unit stay together."""
    blank = " " * indent
    whole = _UNIT.sub(f"{_UNBROKEN}\\1", spelled_out(text, keep=_UNBROKEN))
    lines = wrapped(whole, width, first=blank, rest=f"{blank}  ")
    return [line.replace(_UNBROKEN, " ") for line in lines]


_MORE: Final[tuple[tuple[str, Callable[[RuleResult], str]], ...]] = (
    ("detects", lambda rule: distance(rule.mde, rule.unit) if rule.mde is not None else ""),
    ("p", p_value),
    ("margin", _margin),
    ("clusters", lambda rule: f"{rule.clusters:,}" if rule.clusters else ""),
)
"""Columns for wide terminals, the most telling first."""
