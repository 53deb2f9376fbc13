"""The table of a verdict: what was found of each rule, in as many columns as there is room for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.report.columns import columns, to_right
from gatekeeper.report.markup import spelled_out
from gatekeeper.report.outcomes import column, decisive, distance, margin, upper
from gatekeeper.report.tables import aligned, name_room

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gatekeeper.model.verdict import RuleResult, Verdict

DETECTS: Final = "detects"
"""The head of the column that needs a legend."""
_SHORT: Final = {"not_applicable": "n/a"}
_HEADS: Final = ("", "observed", "bound", "limit", "n")
_MARK: Final = 3
"""Columns for the mark before a row."""
_LEAST: Final = 20
"""Columns for the names of rules at least."""


def verdict_table(verdict: Verdict, width: int) -> tuple[list[str], dict[str, list[str]]]:
    """The lines of the heads, and those of each rule."""
    heads, rows = _filled(verdict, width)
    widths = [max(map(columns, cells)) for cells in zip(heads, *rows.values(), strict=True)]
    widths[0] = name_room(widths[0], widths[1:], width - _MARK, least=_LEAST)
    return _aligned(heads, widths), {name: _aligned(row, widths) for name, row in rows.items()}


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


def p_value(rule: RuleResult) -> str:
    """The p-value of what was shown, or of what would have to be."""
    p = rule.p_fail if rule.outcome == "fail" else rule.p
    return "" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"  # noqa: PLR2004


def _filled(verdict: Verdict, width: int) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Heads, and the cells of each rule, with as many columns as there is room for."""
    heads: tuple[str, ...] = _HEADS
    rows: dict[str, tuple[str, ...]] = {
        rule.rule: (label(rule), *cells(rule)) for rule in verdict.rules
    }
    for head, cell in _MORE:
        added = {rule.rule: (*rows[rule.rule], spelled_out(cell(rule))) for rule in verdict.rules}
        wide = [
            max(map(columns, cells_))
            for cells_ in zip((*heads, head), *added.values(), strict=True)
        ]
        if any(row[-1] for row in added.values()) and _MARK + sum(wide) + 2 * len(heads) <= width:
            heads, rows = (*heads, head), added
    return heads, rows


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """The name to the left, numbers to the right."""
    numbers = [to_right(cell, width) for cell, width in zip(row[1:], widths[1:], strict=True)]
    return aligned(row[0], numbers, widths[0])


def _margin(rule: RuleResult) -> str:
    found = margin(rule)
    if found is None or rule.test == "census" or rule.estimate is None:
        return ""
    return f"{'-' if found < 0 else '+'}{distance(found, rule.unit)}"


_MORE: Final[tuple[tuple[str, Callable[[RuleResult], str]], ...]] = (
    (DETECTS, lambda rule: distance(rule.mde, rule.unit) if rule.mde is not None else ""),
    ("p", p_value),
    ("margin", _margin),
    ("clusters", lambda rule: f"{rule.clusters:,}" if rule.clusters else ""),
)
"""Columns for wide terminals, the most telling first."""
