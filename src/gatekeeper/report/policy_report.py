"""How the rules of policies have done, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gatekeeper.core.canonical import short
from gatekeeper.core.wording import counted, narrow
from gatekeeper.report.markup import escape_line
from gatekeeper.report.tables import fold, table

if TYPE_CHECKING:
    from gatekeeper.core.policy.report import Online, PolicyReport, RuleRecord
    from gatekeeper.model.verdict import RuleOutcome

_COUNTED: Final[tuple[tuple[RuleOutcome, str], ...]] = (
    ("pass", "pass"),
    ("fail", "fail"),
    ("inconclusive", "open"),
    ("error", "error"),
    ("skipped", "skipped"),
)
_HEADS: Final = (
    "rule",
    "decided",
    *(head for _, head in _COUNTED),
    "overridden",
    "promoted",
    "rolled back",
    "closest",
    "middle",
    "online",
)
_RIGHT: Final = frozenset(range(1, len(_HEADS)))
_INDENT: Final = " " * 2


def report_text(found: PolicyReport, since: str, width: int) -> str:
    """A line a rule, and below it what somebody should look at."""
    policies = ", ".join(f"{name}@{short(digest)}" for digest, name in found.policies.items())
    gone = sum(one.rolled_back is not None for one in found.promotions)
    head = (
        f"[bold]{counted(found.verdicts, 'verdict')}[/bold]{f' since {since}' if since else ''},"
        f" {counted(len(found.promotions), 'promotion')}, {gone} rolled back soon after"
    )
    if not found.rules:
        return f"{head}\nno rule was decided in that time"
    rows = [_row(one) for one in found.rules]
    used = fold(f"policies {policies}", width - len(_INDENT))
    lines = [
        head,
        *(f"[dim]{_INDENT if at else ''}{escape_line(line)}[/dim]" for at, line in enumerate(used)),
    ]
    lines += table(_HEADS, rows, right=_RIGHT, width=width)
    told = [f"{one.rule} {text}" for one in found.rules for text in one.findings()]
    if told:
        lines.append("[bold]to look at[/bold]")
    for text in told:
        lines += [f"{_INDENT}{escape_line(line)}" for line in fold(text, width - len(_INDENT))]
    return "\n".join(lines)


def report_document(found: PolicyReport, since: str) -> dict[str, Any]:
    """The same for programs."""
    return {
        "since": since or None,
        "verdicts": found.verdicts,
        "policies": dict(found.policies),
        "promotions": [
            {
                "environment": one.environment,
                "serial": one.entry.serial,
                "release": one.entry.state.stable.release,
                "time": one.entry.time.isoformat(),
                "rolled_back": one.rolled_back.isoformat() if one.rolled_back else None,
            }
            for one in found.promotions
        ],
        "rules": [_rule(one) for one in found.rules],
    }


def _rule(one: RuleRecord) -> dict[str, Any]:
    online = one.online
    return {
        "rule": one.rule,
        "unit": one.unit,
        "outcomes": dict(one.outcomes),
        "overridden": one.overridden,
        "promoted": one.promoted,
        "rolled_back": one.rolled_back,
        "closest": one.closest,
        "middle": one.middle,
        "online": None
        if online is None
        else {
            "estimate": online.estimate,
            "low": online.low,
            "high": online.high,
            "n": online.n,
            "met": online.met,
        },
        "findings": list(one.findings()),
    }


def _row(one: RuleRecord) -> tuple[str, ...]:
    counts = (one.outcomes.get(outcome, 0) for outcome, _ in _COUNTED)
    return (
        one.rule,
        str(one.decided),
        *(_count(count) for count in counts),
        _count(one.overridden),
        _count(one.promoted),
        _count(one.rolled_back),
        _margin(one.closest, one.unit),
        _margin(one.middle, one.unit),
        _online(one.online, one.unit),
    )


def _count(value: int) -> str:
    return str(value) if value else ""


def _margin(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    return f"{'-' if value < 0 else '+'}{_narrow(abs(value), unit).lstrip('+')}"


def _online(found: Online | None, unit: str) -> str:
    if found is None:
        return ""
    mark = {True: " met", False: " not met", None: ""}[found.met]
    return f"{_narrow(found.estimate, unit)}{mark}"


def _narrow(value: float, unit: str) -> str:
    return narrow(value, unit) if unit else f"{value:.4g}"
