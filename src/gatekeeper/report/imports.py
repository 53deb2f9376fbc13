"""What came of an import, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatekeeper.core.canonical import short
from gatekeeper.core.wording import counted
from gatekeeper.report.markup import escape

if TYPE_CHECKING:
    from gatekeeper.model.run import Run


def import_document(run: Run) -> dict[str, Any]:
    """The run's id, and what it was made of."""
    return {
        "run": run.id,
        "release": None if run.unbound else run.candidate.digest,
        "baseline": run.baseline.digest if run.baseline else None,
        "source": run.source.model_dump(mode="json") if run.source else None,
        "sets": [used.model_dump(mode="json") for used in run.sets],
        "partial": list(run.partial),
        "notes": list(run.notes),
    }


def import_text(run: Run) -> str:
    """The run, what is in it, and what stands in its way."""
    label = run.source.label if run.source else ""
    lines = [f"[bold]{run.id}[/bold]  imported from {escape(label)}"]
    for used in run.sets:
        times = f", {used.replicates} replicates" if used.replicates > 1 else ""
        count = f"{counted(used.samples, 'sample')}{times}"
        lines.append(f"  {escape(used.name)}  {count}, suite {used.suite}")
    lines += [f"  [yellow]decides nothing: {escape(reason)}[/yellow]" for reason in run.partial]
    lines += [f"  [dim]{escape(note)}[/dim]" for note in run.notes]
    if run.unbound:
        lines.append("  of no release: [cyan]gatekeeper gate --policy FILE --no-record[/cyan] only")
    else:
        about = f"{run.candidate.name}@sha256:{short(run.candidate.digest)}"
        lines.append(f"  about [bold]{escape(about)}[/bold]")
    return "\n".join(lines)
