"""Who moved what, on a screen and as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gatekeeper.core.canonical import short
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.core.wording import counted, listed, narrow, number
from gatekeeper.report.markup import escape
from gatekeeper.report.outcomes import MARKS
from gatekeeper.report.tables import fold, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatekeeper.model.attribution import (
        Attribution,
        ComponentShare,
        Interaction,
        Moved,
        Rollback,
        RuleAttribution,
    )
    from gatekeeper.model.estimate import Estimate

_HEADS: Final = ("", "moved it by", "between", "added alone", "taken back")
_INDENT: Final = "   "
_FAILED: Final = 1000
"""A rule that fails counts for more than any number of rules that are open."""


def attribution_document(found: Attribution) -> dict[str, Any]:
    """The attribution as programs read it."""
    return found.model_dump(mode="json")


def attribution_text(found: Attribution, width: int) -> str:
    """What to do first; then rule by rule who moved it, the guilty one on top."""
    lines = [*_heading(found, width), ""]
    for rule in sorted(found.rules, key=_pressing):
        lines += [*rule_text(rule, width), ""]
    lines += _mixes(found, width)
    lines += _rollbacks(found, width)
    lines += [f"[dim]{escape(line)}[/dim]" for line in fold(_how(found), width)]
    for note in found.notes:
        lines += [f"[yellow]{escape(line)}[/yellow]" for line in fold(note, width)]
    return "\n".join([*lines, *_next(found)])


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


def rule_text(rule: RuleAttribution, width: int) -> list[str]:
    """A rule and who moved it, the guilty one first."""
    mark, style = MARKS.get(rule.outcome, ("-", "dim"))
    title = f"[{style}]{mark} {escape(rule.rule)}[/{style}]"
    if rule.change is not None:
        before, after = (number(one, rule.metric_unit) for one in (rule.baseline, rule.candidate))
        title += escape(f"  {before} → {after}")
    told = f"{rule.reason}{_rests_on(rule)}"
    lines = [title, *(f"  {escape(line)}" for line in fold(told, width - 2))]
    if len(rule.components) > 1 and any(_moves(one) for one in rule.components):
        rows = [_row(rule, one) for one in rule.components]
        lines += [f"{_INDENT}{line}" for line in table(_HEADS, rows, right=frozenset({1, 2, 3, 4}))]
    lines += [f"{_INDENT}{escape(line)}" for line in _together(rule, width - len(_INDENT))]
    return lines


def _rests_on(rule: RuleAttribution) -> str:
    """How many samples, and of which suites where a verdict reads more of them."""
    if not rule.samples:
        return ""
    grouped = f" in {rule.units:,} clusters" if rule.units < rule.samples else ""
    metric = METRICS.get(rule.metric)
    suites = "" if metric and metric.suites else f" of {listed(rule.suites)}"
    return f"; {counted(rule.samples, 'sample')}{grouped}{suites}"


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
    how = (
        "Shapley values over all orders"
        if found.method == "exact"
        else "Shapley values over orders that put each component at each place twice"
    )
    return (
        f"{how}; {found.replicates:,} bootstrap replicates of the same samples, seed {found.seed}. "
        f"Intervals hold together for all components of a rule: {sure}."
    )


def _next(found: Attribution) -> list[str]:
    one = found.recommended
    if one is None:
        return []
    if one.kept:
        command = f"gatekeeper promote sha256:{short(one.release.digest)} --env ENV"
        return [f"promote it: [cyan]{escape(command)}[/cyan]"]
    command = f"gatekeeper attribute {found.run} --build"
    return [f"store and sign it: [cyan]{escape(command)}[/cyan]"]


# -- before anything is asked ----------------------------------------------------------------------


def plan_document(found: Sequence[tuple[str, Sequence[Estimate]]]) -> dict[str, Any]:
    """What would be evaluated, as programs read it."""
    mixes = [{"mix": name, **_sum(estimates)} for name, estimates in found]
    return {
        "mixes": mixes,
        **{key: sum(one[key] for one in mixes) for key in ("requests", "tokens", "usd")},
        "bound": "upper: nothing remembered, and without what a rollback's own verdict takes",
    }


def plan_text(found: Sequence[tuple[str, Sequence[Estimate]]], width: int) -> str:
    """A row a mix, and what it would use at most."""
    if not found:
        return "One component changed: no mixed release has to be evaluated."
    document = plan_document(found)
    rows = [
        (one["mix"], f"{one['requests']:,}", f"{one['tokens']:,}", f"{one['usd']:.4f}")
        for one in [*document["mixes"], {**document, "mix": "in all"}]
    ]
    lines = table(("mix", "requests", "tokens", "USD"), rows, right=frozenset({1, 2, 3}))
    note = (
        "At most: every answer as long as it may be, nothing remembered. Rollbacks that are "
        "decided afterwards come on top."
    )
    return "\n".join([*lines, *(f"[dim]{line}[/dim]" for line in fold(note, width))])


def _sum(estimates: Sequence[Estimate]) -> dict[str, Any]:
    return {
        "requests": sum(one.requests for one in estimates),
        "tokens": sum(one.input_tokens + one.output_tokens for one in estimates),
        "usd": sum(one.nano_usd for one in estimates) / 1e9,
    }
