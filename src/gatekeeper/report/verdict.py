"""A verdict on one screen: what failed, by how much, how sure that is, and what to do next."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.core.wording import counted
from gatekeeper.report.advice import next_steps, notices, urgent
from gatekeeper.report.columns import wrapped
from gatekeeper.report.markup import escape, spelled_out
from gatekeeper.report.outcomes import (
    MARKS,
    ORDER,
    SETTLED,
    against,
    blocking,
    distance,
    policy_called,
    release_name,
    tally,
)
from gatekeeper.report.story import story
from gatekeeper.report.verdict_table import DETECTS, label, verdict_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatekeeper.model.verdict import RuleResult, Verdict

WIDTH: Final = 80
WRAP: Final = 120
"""Longer lines are hard to read, however wide the terminal; only the table uses more."""
SCREEN: Final = 60
"""Lines from which the outcome is said again at the end, where a log or a terminal stops."""
MOST_TOLD: Final = 20
"""Rules whose whole story is told; each of the others has what was found."""
_INDENT: Final = " " * 5
_UNIT: Final = re.compile(r"(?<=\d) (%|pt|ms)")
_UNBROKEN: Final = "\u00a0"
_POWER: Final = "a rule passes 8 times of 10 where the truth"


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
    wrap, blocks, whole = min(width, WRAP), blocking(verdict), _told_whole(verdict)
    heads, rows = verdict_table(verdict, width)
    lines = [*_heading(verdict, wrap), f"   [dim]{escape(heads[0])}[/dim]"]
    for section, members in groupby(verdict.rules, key=lambda rule: rule.section):
        found = sorted(members, key=lambda one: ORDER.index(one.outcome))
        lines.append(_section(section, found))
        for rule in found:
            told = story(rule, verdict) if rule.rule in whole else [("", rule.reason)]
            lines += _rule(rule, told, rows[rule.rule], wrap, blocks=rule.rule in blocks)
    lines += _ending(verdict, wrap, policy, detects=DETECTS in heads[0])
    if len(lines) > SCREEN:
        lines += [*_briefly(verdict, whole), _outcome(verdict)]
    return "\n".join(lines)


def _told_whole(verdict: Verdict) -> frozenset[str]:
    """Rules whose whole story is told: the gravest, and those with nothing to tell."""
    left = {rule.rule for rule in urgent(verdict)[MOST_TOLD:]}
    return frozenset(rule.rule for rule in verdict.rules) - left


def _briefly(verdict: Verdict, whole: frozenset[str]) -> list[str]:
    """How many rules were told in a line, and where all is told."""
    count = sum(rule.rule not in whole for rule in verdict.rules)
    if not count:
        return []
    rest = f"the whole story of {counted(count, 'more rule')}"
    return [f"{rest}  [cyan]{escape(spelled_out(f'gatekeeper report {verdict.run}'))}[/cyan]"]


def _outcome(verdict: Verdict) -> str:
    mark, style = MARKS[verdict.outcome]
    outcome = f"[{style}][bold]{mark} {verdict.outcome.upper()}[/bold][/{style}]"
    return f"{outcome}  {tally(verdict.rules)}"


def _heading(verdict: Verdict, width: int) -> list[str]:
    name, than = spelled_out(release_name(verdict)), spelled_out(against(verdict))
    origin = f"policy {policy_called(verdict)}, run {verdict.run}"
    lines = [
        _outcome(verdict),
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
    rule: RuleResult, told: list[tuple[str, str]], shown: list[str], width: int, *, blocks: bool
) -> Iterator[str]:
    mark, style = MARKS[rule.outcome]
    for place, line in enumerate(shown):
        yield f" [{style}]{mark if place == 0 else ' '} {escape(line)}[/{style}]"
    if rule.outcome not in SETTLED and rule.severity == "block" and not blocks:
        yield f"[dim]{_INDENT}does not block[/dim]"
    for name, text in told:
        if name == "owner":  # the section says it
            continue
        said = f"{name}: {text}" if name else text
        yield from (f"[dim]{escape(line)}[/dim]" for line in _folded(said, width, len(_INDENT)))


def _ending(verdict: Verdict, width: int, policy: str, *, detects: bool) -> Iterator[str]:
    absent = {rule.reason for rule in verdict.rules if rule.outcome == "not_applicable"}
    for reason in sorted(absent):
        yield from (f"[dim]{escape(line)}[/dim]" for line in _folded(f"n/a: {reason}", width, 0))
    power = _power(verdict, width, columns=detects)
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


def _folded(text: str, width: int, indent: int) -> list[str]:
    """Lines of at most `width`; a number and its unit stay together."""
    blank = " " * indent
    whole = _UNIT.sub(f"{_UNBROKEN}\\1", spelled_out(text, keep=_UNBROKEN))
    lines = wrapped(whole, width, first=blank, rest=f"{blank}  ")
    return [line.replace(_UNBROKEN, " ") for line in lines]
