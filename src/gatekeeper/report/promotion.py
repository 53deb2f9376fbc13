"""Admissions, promotions and rollbacks as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gatekeeper.core.canonical import short
from gatekeeper.report.markup import escape, one_line
from gatekeeper.report.tables import fold

if TYPE_CHECKING:
    from gatekeeper.core.admission import Admission, Moved, Verification

WIDTH: Final = 80
_INDENT: Final = " " * 4


def moved_text(moved: Moved, environment: str, verb: str, width: int = WIDTH) -> str:
    """A promotion or rollback, done, not needed or refused.

    Args:
        moved: What happened.
        environment: Where.
        verb: `promote` or `rollback`.
        width: Columns of the terminal.
    """
    name = called(moved.admission)
    place = f"[bold]{escape(environment)}[/bold]"
    if moved.entry is None:
        if moved.unchanged:
            return f"[dim]unchanged[/dim] {name} is stable in {place} already"
        reasons = reasons_text(moved.admission, width)
        return f"[red]refused[/red] {name} stays out of {place}\n{reasons}"
    before = f", before it sha256:{short(moved.before)}" if moved.before else ""
    if not moved.written:
        return (
            f"[yellow]dry run[/yellow] nothing was written; {verb} would make {name} stable in"
            f" {place}, entry {moved.entry.serial}{before}"
        )
    done = "promoted" if verb == "promote" else "rolled back to"
    return (
        f"[green]{done}[/green] {name} in {place}, entry {moved.entry.serial}{before}"
        f"\n  by {one_line(moved.entry.actor)}" + _reason(moved.entry.reason) + _eased(moved)
    )


def _eased(moved: Moved) -> str:
    """What follows from a policy that demands less, where the release did not need that."""
    found = moved.admission
    if found.evidence is None or not found.evidence.verdict.loosened or found.approvals:
        return ""
    return (
        "\n  [yellow]its policy demands less than before, and nobody has approved of that[/yellow]:"
        "\n  the next release is held against the policy before; see `gatekeeper policy approve`"
    )


def _reason(reason: str) -> str:
    return f": {one_line(reason)}" if reason else ""


def called(admission: Admission) -> str:
    """The release as people call it."""
    release = admission.release
    name = f"{release.name}@" if release else ""
    return f"[bold]{escape(name)}sha256:{short(admission.digest)}[/bold]"


def reasons_text(admission: Admission, width: int = WIDTH) -> str:
    """Every reason with what to do about it; definite ones first."""
    lines = []
    for reason in sorted(admission.reasons, key=lambda one: not one.refused):
        colour = "red" if reason.refused else "yellow"
        first, *more = fold(f"{reason.code}  {reason.text}", width - len(_INDENT))
        told = first.removeprefix(reason.code)
        lines.append(f"  [{colour}]{reason.code}[/{colour}]{escape(told)}")
        lines += [f"{_INDENT}{escape(line)}" for line in more]
        if reason.fix:
            lines.append(f"    [dim]{escape(reason.fix)}[/dim]")
    lines += [f"  [dim]passed over: {escape(note)}[/dim]" for note in admission.notes]
    return "\n".join(lines)


def verification_text(found: Verification, width: int = WIDTH) -> str:
    """Whether a release may be served, and why not."""
    name, place = called(found.admission), f"[bold]{escape(found.environment)}[/bold]"
    since = f" since entry {found.earlier.since}" if found.earlier else ""
    standing = {
        "stable": f"it is stable there{since}",
        "was-stable": f"it was stable there (entry {found.earlier.since if found.earlier else 0}),"
        " so a rollback may return to it",
        "new": "it has never been stable there",
    }[found.standing]
    if found.accepted:
        return f"[green]yes[/green] {name} may be served in {place}: {standing}"
    reasons = reasons_text(found.admission, width)
    return f"[red]no[/red] {name} may not be served in {place}; {standing}\n{reasons}"


def moved_document(moved: Moved, environment: str) -> dict[str, Any]:
    """The same for programs."""
    entry = moved.entry
    return {
        "environment": environment,
        **admission_document(moved.admission),
        "before": moved.before,
        "written": moved.written,
        "unchanged": moved.unchanged,
        "entry": entry.model_dump(mode="json") if entry else None,
    }


def admission_document(admission: Admission) -> dict[str, Any]:
    """An admission for programs."""
    evidence = admission.evidence
    return {
        "release": admission.digest,
        "name": admission.release.name if admission.release else None,
        "admitted": admission.admitted,
        "reasons": [
            {"code": one.code, "text": one.text, "refused": one.refused, "fix": one.fix}
            for one in admission.reasons
        ],
        "notes": list(admission.notes),
        "verdict": {
            "digest": evidence.digest,
            "outcome": evidence.verdict.outcome,
            "run": evidence.verdict.run,
            "key": evidence.key.id,
        }
        if evidence
        else None,
    }


def verification_document(found: Verification) -> dict[str, Any]:
    """A verification for programs."""
    return {
        "environment": found.environment,
        "standing": found.standing,
        "since": found.earlier.since if found.earlier else None,
        **admission_document(found.admission),
    }
