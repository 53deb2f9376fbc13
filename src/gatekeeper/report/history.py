"""What is live and what was, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatekeeper.core.canonical import short
from gatekeeper.model.base import COMPONENTS
from gatekeeper.report.markup import escape, one_line

if TYPE_CHECKING:
    from gatekeeper.core.chronicle import History, Line, Status
    from gatekeeper.model.keyring import Key
    from gatekeeper.model.verdict import Verdict

RESTORE = (
    "restore the entries from a copy of the ledger; until then nothing new is promoted on them"
)


def history_text(found: History) -> str:
    """One entry a line, the newest first, and what is wrong with it below it."""
    place = f"[bold]{escape(found.environment)}[/bold]"
    if not found.lines:
        return f"{place}: nothing was promoted yet"
    count = f"{len(found.lines)} entr{'y' if len(found.lines) == 1 else 'ies'}"
    if found.sound:
        head = f"{place}  {count}, [green]all verified[/green]: signatures, roles, order and links"
    else:
        bad = sum(bool(line.findings) for line in found.lines)
        head = f"{place}  {count}, [red]{bad} not sound[/red]"
    lines = [head, *(_line(line) for line in reversed(found.lines))]
    return "\n".join(lines if found.sound else [*lines, f"[bold]next[/bold] {RESTORE}"])


def _line(line: Line) -> str:
    extra = [f"\n        [red]{escape(finding)}[/red]" for finding in line.findings]
    if line.note:
        extra.append(f"\n        [yellow]{escape(line.note)}[/yellow]")
    if line.recorded is None:
        return f"  {line.serial:>4}  [red]unreadable[/red]" + "".join(extra)
    entry = line.recorded.entry
    stable = entry.state.stable
    reason = f"  {one_line(entry.reason)}" if entry.reason else ""
    return (
        f"  {line.serial:>4}  {entry.time:%Y-%m-%d %H:%M:%S}  {entry.action:<8}"
        f"  {escape(stable.name)}@sha256:{short(stable.release)}  by {one_line(entry.actor)}"
        f"  [dim]key {line.recorded.key.id[:12]}[/dim]{reason}" + "".join(extra)
    )


def history_document(found: History) -> dict[str, Any]:
    """The same for programs, first entry first."""
    return {
        "environment": found.environment,
        "verified": found.sound,
        "entries": [_entry(line) for line in found.lines],
    }


def _entry(line: Line) -> dict[str, Any]:
    recorded = line.recorded
    return {
        "serial": line.serial,
        "digest": recorded.digest if recorded else None,
        "key": recorded.key.id if recorded else None,
        "entry": recorded.entry.model_dump(mode="json") if recorded else None,
        "findings": list(line.findings),
        "note": line.note,
    }


def status_text(found: Status) -> str:
    """What is live, since when, by whom, on what evidence, by which keys."""
    place = f"[bold]{escape(found.environment)}[/bold]"
    if found.head is None:
        return f"{place}: nothing is stable yet"
    entry = found.head.entry
    stable = entry.state.stable
    lines = [
        f"{place}  stable [bold]{escape(stable.name)}@sha256:{short(stable.release)}[/bold]",
        f"  since    {entry.time:%Y-%m-%d %H:%M:%S} UTC, entry {stable.since} ({entry.action})",
        f"  by       {one_line(entry.actor)}"
        + (f": {one_line(entry.reason)}" if entry.reason else ""),
        f"  verdict  {_verdict(found.verdict)}",
    ]
    lines += [f"  key      {_key(role, key)}" for role, key in found.keys]
    if found.release:
        lines.append("  components")
        lines += [
            f"    {name:<10} sha256:{short(found.release.component_digests[name])}"
            for name in COMPONENTS
        ]
    lines += [f"  [red]problem[/red]  {escape(problem)}" for problem in found.problems]
    return "\n".join(lines)


def _verdict(verdict: Verdict | None) -> str:
    if verdict is None:
        return "[red]not available[/red]"
    colour = "green" if verdict.outcome == "pass" else "red"
    passed = sum(rule.outcome == "pass" for rule in verdict.rules)
    return (
        f"[{colour}]{verdict.outcome}[/{colour}], {passed} of {len(verdict.rules)} rules,"
        f" decided {verdict.decided:%Y-%m-%d %H:%M} UTC on run {escape(verdict.run)}"
    )


def _key(role: str, key: Key) -> str:
    return f"{role:<8} {key.id[:12]}" + (" [yellow]development[/yellow]" if key.development else "")


def status_document(found: Status) -> dict[str, Any]:
    """The same for programs."""
    head, release, verdict = found.head, found.release, found.verdict
    entry = head.entry if head else None
    return {
        "environment": found.environment,
        "serial": entry.serial if entry else 0,
        "stable": entry.state.stable.model_dump(mode="json") if entry else None,
        "entry": entry.model_dump(mode="json") if entry else None,
        "components": dict(release.component_digests) if release else {},
        "verdict": {
            "outcome": verdict.outcome,
            "run": verdict.run,
            "baseline": verdict.baseline,
            "policy": verdict.policy,
        }
        if verdict
        else None,
        "keys": [
            {"role": role, "id": key.id, "development": key.development} for role, key in found.keys
        ],
        "problems": list(found.problems),
    }
