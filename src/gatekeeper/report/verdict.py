"""A verdict on one screen, and as Markdown for a pull request."""

from __future__ import annotations

import textwrap
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.core.canonical import short
from gatekeeper.core.wording import number
from gatekeeper.report.markup import escape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatekeeper.model.verdict import RuleOutcome, RuleResult, Verdict

WIDTH: Final = 80
MARKS: Final = {
    "pass": ("✓", "green"),
    "fail": ("✗", "red"),
    "inconclusive": ("?", "yellow"),
    "error": ("!", "red"),
    "not_applicable": ("-", "dim"),
}
_ORDER: Final[tuple[RuleOutcome, ...]] = (
    "fail",
    "error",
    "inconclusive",
    "not_applicable",
    "pass",
)
_SHORT: Final = {"not_applicable": "n/a"}
_INDENT: Final = " " * 5


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """The verdict as programs read it."""
    return verdict.model_dump(mode="json")


def verdict_text(verdict: Verdict) -> str:
    """One screen: sections by priority, what did not pass first in each, with where to look."""
    rows = [(rule, _cells(rule)) for rule in verdict.rules]
    widths = [max((len(cells[place]) for _, cells in rows), default=0) for place in range(5)]
    lines = [*_heading(verdict), f"   [dim]{_aligned(_COLUMNS, widths)}[/dim]"]
    for section, members in groupby(rows, key=lambda row: row[0].section):
        lines.append(f"[bold]{escape(section)}[/bold]")
        for rule, cells in sorted(members, key=lambda row: _ORDER.index(row[0].outcome)):
            mark, style = MARKS[rule.outcome]
            text = escape(_aligned(cells, widths))
            lines.append(f" [{style}]{mark} {text}[/{style}]")
            lines += [f"[dim]{escape(line)}[/dim]" for line in _advice(rule)]
    absent = {rule.reason for rule in verdict.rules if rule.outcome == "not_applicable"}
    lines += [f"[dim]n/a: {escape(reason)}[/dim]" for reason in sorted(absent)]
    if verdict.outcome == "fail" and verdict.baseline is not None:
        both = f"sha256:{short(verdict.baseline)} sha256:{short(verdict.release)}"
        lines.append(f"what changed: [cyan]gatekeeper diff {both}[/cyan]")
    return "\n".join(lines)


def verdict_markdown(verdict: Verdict) -> str:
    """For a comment on a pull request: what to do in the open, every rule under a fold."""
    mark, _ = MARKS[verdict.outcome]
    name = _plain_name(verdict.release_name, verdict.release)
    policy = verdict.policy_name or short(verdict.policy)
    lines = [
        f"### {mark} Gate: {verdict.outcome}",
        "",
        f"{name}{_against(verdict)}, policy {policy}, run `{verdict.run}`{_origin(verdict)}",
        "",
    ]
    for rule in _by_outcome(verdict.rules):
        if rule.outcome != "pass":
            lines.append(f"- **{rule.rule}** {rule.outcome.replace('_', ' ')}: {rule.reason}")
            lines += [f"  - {label}: {text}" for label, text in _hints(rule)]
    lines += ["", f"<details><summary>{_tally(verdict)}</summary>", ""]
    lines += ["| | rule | observed | bound | limit | n |", "|---|---|---:|---:|---:|---:|"]
    for rule in verdict.rules:
        cells = (MARKS[rule.outcome][0], rule.rule, *_cells(rule)[1:])
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, "", "</details>", ""])


_COLUMNS: Final = ("", "observed", "bound", "limit", "n")


def _heading(verdict: Verdict) -> list[str]:
    mark, style = MARKS[verdict.outcome]
    name = escape(_plain_name(verdict.release_name, verdict.release))
    policy = escape(verdict.policy_name or short(verdict.policy))
    return [
        f"[{style}][bold]{mark} {verdict.outcome.upper()}[/bold][/{style}]  {_tally(verdict)}",
        f"  [bold]{name}[/bold]{escape(_against(verdict))}",
        f"  [dim]policy {policy}, run {escape(verdict.run)}{escape(_origin(verdict))}[/dim]",
    ]


def _plain_name(name: str, digest: str) -> str:
    return f"{name}@sha256:{short(digest)}" if name else f"sha256:{short(digest)}"


def _origin(verdict: Verdict) -> str:
    return "" if verdict.source is None else f", imported from {verdict.source.label}"


def _against(verdict: Verdict) -> str:
    if verdict.baseline is None:
        return ", no baseline"
    return f" against {_plain_name(verdict.baseline_name, verdict.baseline)}"


def _tally(verdict: Verdict) -> str:
    outcomes = [rule.outcome for rule in verdict.rules]
    counts = ((outcome, outcomes.count(outcome)) for outcome in _ORDER)
    return ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in counts if count)


def _by_outcome(rules: Iterable[RuleResult]) -> list[RuleResult]:
    return sorted(rules, key=lambda rule: _ORDER.index(rule.outcome))


def _cells(rule: RuleResult) -> tuple[str, ...]:
    """Name, what was observed, the bound that decides, the limit, and on how much."""
    name = rule.rule.removeprefix(f"{rule.section}.")
    if rule.severity == "warn":
        name += " (warns)"
    if rule.estimate is None:
        return name, _SHORT.get(rule.outcome, rule.outcome), "", "", ""
    observed = _number(rule.estimate, rule.unit)
    if rule.test == "census":
        return name, observed, f"≤ {_number(rule.high, 'rate')}", "0", f"{rule.n:,}"
    upper = rule.test.startswith("max") != (rule.outcome == "fail")
    bound = rule.high if upper else rule.low
    side = "≤" if rule.test.startswith("max") else "≥"
    return (
        name,
        observed,
        f"{'≤' if upper else '≥'} {_number(bound, rule.unit)}" if bound is not None else "none",
        f"{side} {_number(rule.limit, rule.unit)}",
        f"{rule.n:,}",
    )


def _number(value: float | None, unit: str) -> str:
    """A value as narrow as a column wants it."""
    return number(value, unit).replace(" ", "")


def _aligned(cells: tuple[str, ...], widths: list[int]) -> str:
    numbers = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
    return "  ".join((cells[0].ljust(widths[0]), *numbers)).rstrip()


def _hints(rule: RuleResult) -> list[tuple[str, str]]:
    pairs = (("to settle it", rule.settle), ("look at", rule.look_at))
    return [(label, text) for label, text in pairs if text]


def _advice(rule: RuleResult) -> list[str]:
    """What to do about a rule that did not pass, wrapped."""
    if rule.outcome in {"pass", "not_applicable"}:
        return []
    numbers = rule.estimate is not None and rule.test != "census"
    parts = [] if numbers else [rule.reason]
    hints = _hints(rule) if rule.outcome == "fail" else _hints(rule)[:1]
    parts += [f"{label}: {text}" for label, text in hints]
    return [
        line
        for part in parts
        for line in textwrap.wrap(
            part, WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT + "  "
        )
    ]
