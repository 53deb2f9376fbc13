"""Who moved what, on a screen and as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gatekeeper.core.canonical import short
from gatekeeper.core.wording import counted, listed
from gatekeeper.report.contributions import rule_text
from gatekeeper.report.markup import escape
from gatekeeper.report.outcomes import MARKS
from gatekeeper.report.tables import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatekeeper.model.attribution import (
        Attribution,
        Rollback,
        RuleAttribution,
    )

_INDENT: Final = "   "
_OWN: Final = frozenset({"rule", "section", "test", "limit", "outcome"})
"""What two rules about one metric differ in, though the same moved it."""
_FAILED: Final = 1000
"""A rule that fails counts for more than any number of rules that are open."""


def attribution_document(found: Attribution) -> dict[str, Any]:
    """The attribution as programs read it."""
    return found.model_dump(mode="json")


def attribution_text(found: Attribution, width: int, given: Sequence[str] = ()) -> str:
    """Who it is; then rule by rule who moved it, the guilty one on top; then what to do.

    Args:
        found: What was found out.
        width: Columns.
        given: Words of the command that decide by what it is judged, for the next one.
    """
    lines = [*_heading(found, width), ""]
    lines += _rules(found.rules, width)
    lines += _mixes(found, width)
    lines += _rollbacks(found, width)
    lines += [f"[dim]{escape(line)}[/dim]" for line in fold(_how(found), width)]
    for note in found.notes:
        lines += [f"[yellow]{escape(line)}[/yellow]" for line in fold(note, width)]
    return "\n".join([*lines, *_next(found, given)])


def _rules(rules: Sequence[RuleAttribution], width: int) -> Iterator[str]:
    """Each rule; of several that say the same of the same metric, the first in full."""
    told: dict[str, str] = {}
    for rule in sorted(rules, key=_pressing):
        same = rule.model_dump_json(exclude=set(_OWN))
        yield from rule_text(rule, width, told=told.get(same, "") if rule.components else "")
        yield ""
        told.setdefault(same, rule.rule)


def _pressing(rule: RuleAttribution) -> tuple[int, int]:
    """What failed and has somebody to blame comes first."""
    order = ("fail", "error", "inconclusive")
    place = order.index(rule.outcome) if rule.outcome in order else len(order)
    return place, 0 if rule.guilty else 1


def _heading(found: Attribution, width: int) -> list[str]:
    mark, style = MARKS[found.outcome]
    named = _guilty(found)
    head = f"[{style}][bold]{mark} {found.outcome.upper()}[/bold][/{style}]"
    lines = [f"{head}  [bold]{escape(named)}[/bold]"]
    who = f"{_name(found.candidate)} against {_name(found.baseline)}"
    lines += [f"  {escape(line)}" for line in fold(who, width - 2)]
    changed = f"run {found.run}, policy {found.policy_name}; changed: {', '.join(found.changed)}"
    lines += [f"  [dim]{escape(line)}[/dim]" for line in fold(changed, width - 2)]
    for group in found.coupled:
        why = f"{listed(group.components)} only go together: {'; '.join(group.reasons)}"
        lines += [f"  [yellow]{escape(line)}[/yellow]" for line in fold(why, width - 2)]
    return lines


def _guilty(found: Attribution) -> str:
    """Who is named for the rules that did not pass, most often named first."""
    counts: dict[str, int] = {}
    bad = [rule for rule in found.rules if rule.outcome not in _GOOD]
    for rule in bad:
        for name in rule.guilty:
            counts[name] = counts.get(name, 0) + (_FAILED if rule.outcome == "fail" else 1)
    if not bad:
        return "every rule that was asked about passes"
    if not counts:
        return "no component can be named"
    return "it is " + listed(sorted(counts, key=lambda name: -counts[name]))


def _name(release: Any) -> str:
    return f"{release.name}@sha256:{short(release.digest)}"


def _mixes(found: Attribution, width: int) -> Iterator[str]:
    if not found.mixes:
        return
    asked = sum(one.asked for one in found.mixes)
    reused = sum(one.reused for one in found.mixes)
    earlier = sum(one.earlier for one in found.mixes)
    text = (
        f"{counted(len(found.mixes), 'mixed release')} evaluated: {reused:,} answers reused, "
        f"{counted(asked, 'call')} of models made, ${found.nano_usd / 1e9:.4f} paid"
    )
    if earlier:
        text += f"; {earlier} of them by an earlier attribution"
    for line in fold(text, width):
        yield f"[dim]{escape(line)}[/dim]"


def _rollbacks(found: Attribution, width: int) -> list[str]:
    lines = []
    for one in found.rollbacks:
        mark, style = MARKS[one.outcome]
        name = f"{_name(one.release)}  {listed(one.components)} as before: {one.outcome}"
        lines.append(f"[{style}]{mark} {escape(name)}[/{style}]")
        why = _why(one)
        lines += [f"{_INDENT}[dim]{escape(line)}[/dim]" for line in fold(why, width - 3) if why]
    lines += [f"[bold]{escape(line)}[/bold]" for line in fold(found.advice, width)]
    return lines


def _why(one: Rollback) -> str:
    """Which rules keep a rollback from passing."""
    if one.outcome == "pass":
        return ""
    found: dict[str, list[str]] = {}
    for rule, told in one.rules.items():
        if told not in _GOOD:
            found.setdefault(told, []).append(rule.partition(".")[2] or rule)
    return "; ".join(f"{told}: {', '.join(rules)}" for told, rules in found.items())


_GOOD: Final = frozenset({"pass", "not_applicable", "skipped"})


def _how(found: Attribution) -> str:
    sure = f"{found.confidence * 100:.0f} %"
    if found.method == "one_change":
        return f"One component changed: no mixed release was evaluated. Intervals: {sure}."
    drawn = "" if found.method == "exact" else ", for other samples and other orders"
    how = (
        "Shapley values over all orders"
        if found.method == "exact"
        else "Shapley values over orders that put each component at each place twice"
    )
    return (
        f"{how}; {found.replicates:,} bootstrap replicates of the same samples, seed {found.seed}. "
        f"Intervals hold together for all components of a rule{drawn}: {sure}."
    )


def _next(found: Attribution, given: Sequence[str]) -> list[str]:
    one = found.recommended
    if one is None:
        return []
    if one.kept:
        command = f"gatekeeper promote sha256:{short(one.release.digest)} --env ENV"
        return [f"promote it: [cyan]{escape(command)}[/cyan]"]
    command = " ".join(["gatekeeper attribute", found.run, *given, "--build"])
    return [f"store and sign it: [cyan]{escape(command)}[/cyan]"]
