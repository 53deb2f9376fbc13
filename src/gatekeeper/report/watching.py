"""How an evaluation goes, in lines: for the live view and for logs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gatekeeper.core.tally import STILL, Rates, Tally, remaining
from gatekeeper.core.wording import narrow, number
from gatekeeper.model.base import NANO
from gatekeeper.report.columns import cut
from gatekeeper.report.markup import escape, spelled_out
from gatekeeper.report.outcomes import MARKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.model.verdict import RuleResult

NARROWEST: Final = 40
_BAR: Final = (4, 60)
_CAUSE: Final = 200


@dataclass(frozen=True, slots=True)
class Moment:
    """An evaluation at one moment.

    Attributes:
        elapsed: Seconds of this sitting.
        spent: nano-USD of earlier sittings.
        ceiling_usd: What may be spent in all, if that is limited.
    """

    tally: Tally
    rates: Rates = STILL
    elapsed: float = 0.0
    spent: int = 0
    ceiling_usd: float | None = None
    estimates: tuple[RuleResult, ...] = field(default=())


def live_lines(moment: Moment, width: int, height: int) -> list[str]:
    """The live view, as rich markup: at most `height` lines of at most `width` characters."""
    width = max(width, NARROWEST)
    tally = moment.tally
    lines = [*_bars(tally, width), *_wrapped(_pace(moment), width)]
    lines += _wrapped(_money(moment), width)
    if tally.errors or tally.scorer_errors:
        lines.append(f"[red]{escape(cut(_errors(tally), width))}[/red]")
    room = height - len(lines) - 2
    return [*lines, *_estimates(moment.estimates, width, room)][:height]


def plain_line(moment: Moment) -> str:
    """One line for a log."""
    parts = [f"{name} {one.done:,}/{one.total:,}" for name, one in moment.tally.suites.items()]
    parts += [*_pace(moment), *_money(moment)]
    if moment.tally.errors or moment.tally.scorer_errors:
        parts.append(_errors(moment.tally))
    return "evaluate: " + ", ".join(parts)


def suite_line(moment: Moment, suite: str) -> str:
    """One line when a suite is through."""
    one = moment.tally.suites[suite]
    errors = f", {_count(one.errors, 'error')}" if one.errors else ""
    before = f", {one.before:,} of them earlier" if one.before else ""
    return f"evaluate: {suite} is through: {one.done:,} of {one.total:,}{before}{errors}"


def last_line(moment: Moment, note: str = "") -> str:
    """What the sitting came to."""
    tally, took = moment.tally, _clock(moment.elapsed)
    parts = [f"{_count(tally.finished, 'conversation')} in {took}"]
    if tally.left:
        parts.append(f"{tally.left:,} left")
    parts.append(f"spent {usd(moment.spent + tally.nano_usd)}")
    if tally.cached:
        parts.append(_count(tally.cached, "cached call"))
    if tally.errors or tally.scorer_errors:
        parts.append(_errors(tally))
    if note:
        parts.append(spelled_out(note))
    return "evaluate: " + ", ".join(parts)


def usd(nano: int) -> str:
    """nano-USD for people: four digits of small sums, cents of large ones."""
    value = nano / NANO
    return f"${value:,.2f}" if value >= 1 or not nano else f"${value:.4g}"


def _bars(tally: Tally, width: int) -> list[str]:
    names = max((len(name) for name in tally.suites), default=0)
    digits = max((len(f"{one.total:,}") for one in tally.suites.values()), default=1)
    counts = 2 * digits + 1
    room = max(_BAR[0], min(_BAR[1], width - names - counts - 12))
    lines = []
    for name, one in tally.suites.items():
        share = min(one.done / one.total, 1.0) if one.total else 1.0
        full = int(share * room)
        style = "green" if not one.left else "cyan"
        bar = f"[{style}]{'━' * full}[/{style}][dim]{'─' * (room - full)}[/dim]"
        count = f"{one.done:,}/{one.total:,}"
        lines.append(f"{escape(name):<{names}}  {bar}  {count:>{counts}}  {int(share * 100):>3} %")
    return lines


def _pace(moment: Moment) -> list[str]:
    rates, tally = moment.rates, moment.tally
    left = remaining(tally, rates)
    return [
        f"{_rate(rates.conversations)} conversations/s",
        f"{_rate(rates.tokens_in)} tokens/s in",
        f"{_rate(rates.tokens_out)} out",
        f"{_clock(moment.elapsed)} gone",
        f"{'-' if left is None else _clock(left)} left",
    ]


def _money(moment: Moment) -> list[str]:
    tally = moment.tally
    parts = [f"spent {usd(moment.spent + tally.nano_usd)}"]
    projected = tally.projected()
    if projected is not None:
        whole = f"projected {usd(moment.spent + projected)}"
        parts.append(whole + (f" of {_ceiling(moment)}" if moment.ceiling_usd is not None else ""))
    elif moment.ceiling_usd is not None:
        parts.append(f"at most {_ceiling(moment)}")
    if tally.cached:
        parts.append(f"{tally.cached:,} of {_count(tally.calls, 'call')} cached")
    return parts


def _ceiling(moment: Moment) -> str:
    return usd(round((moment.ceiling_usd or 0) * NANO))


def _errors(tally: Tally) -> str:
    parts = []
    if tally.errors:
        cause = cut(spelled_out(tally.worst), _CAUSE)
        parts.append(f"{_count(tally.errors, 'error')}, most of them {cause}")
    if tally.scorer_errors:
        parts.append(_count(tally.scorer_errors, "score") + " in error")
    return ", ".join(parts)


def _estimates(rules: Sequence[RuleResult], width: int, room: int) -> list[str]:
    if not rules or room < 2:  # noqa: PLR2004 - a heading and one rule
        return []
    shown = list(rules[:room]) if len(rules) <= room else list(rules[: room - 1])
    cells = [_cells(rule) for rule in shown]
    table = [("so far", "observed", "between", "limit", "n"), *cells]
    widths = [max(len(row[place]) for row in table) for place in range(5)]
    widths[0] = max(8, min(widths[0], width - 3 - sum(widths[1:]) - 8))
    room = width - 3
    lines = ["", f"   [dim]{cut(_row(table[0], widths), room)}[/dim]"]
    for rule, row in zip(shown, cells, strict=True):
        mark, style = MARKS[rule.outcome]
        text = escape(cut(_row(row, widths), room))
        lines.append(f" [{style}]{mark} {text}[/{style}]")
    if len(shown) < len(rules):
        lines.append(f"   [dim]and {len(rules) - len(shown)} more[/dim]")
    return lines


def _cells(rule: RuleResult) -> tuple[str, str, str, str, str]:
    side = "≤" if rule.test.startswith("max") or rule.test == "census" else "≥"
    low, high = narrow(rule.low, rule.unit), narrow(rule.high, rule.unit)
    if rule.test == "census":
        low, high = "0", number(rule.high, "rate").replace(" ", "")
    known = rule.low is not None or rule.high is not None
    limit = rule.limit if rule.limit is not None else 0.0
    return (
        rule.rule.removeprefix(f"{rule.section}."),
        narrow(rule.estimate, rule.unit),
        f"{low}…{high}" if known else "too few",
        f"{side}{narrow(limit, rule.unit)}",
        f"{rule.n:,}",
    )


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    rest = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
    return "  ".join((cut(cells[0], widths[0]).ljust(widths[0]), *rest))


def _wrapped(parts: Sequence[str], width: int) -> list[str]:
    """Parts joined by a dot, on as many lines as they need; no part is broken."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + 3 + len(part) <= width:
            lines[-1] += f" · {part}"
        else:
            lines.append(part)
    return lines


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"  # noqa: PLR2004


def _clock(seconds: float) -> str:
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def _count(number_of: int, noun: str) -> str:
    return f"{number_of:,} {noun}{'' if number_of == 1 else 's'}"
