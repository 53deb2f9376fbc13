"""An approval of a policy that demands less, as text and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatekeeper.core.canonical import short
from gatekeeper.report.markup import escape_line, one_line
from gatekeeper.report.tables import table

if TYPE_CHECKING:
    from gatekeeper.model.approval import PolicyApproval


def approval_text(approval: PolicyApproval) -> str:
    """What is approved of, by whom, and what is demanded less."""
    rows = [(one.rule, one.what, f"{one.before} -> {one.after}") for one in approval.loosened]
    policies = f"sha256:{short(approval.before)} -> sha256:{short(approval.policy)}"
    return "\n".join(
        [
            f"[green]approved[/green] policy {policies} in [bold]{approval.environment}[/bold]",
            f"  by {one_line(approval.actor)}: {one_line(approval.reason)}",
            *(f"  {line}" for line in table(("", "", ""), rows)[1:]),
            escape_line(f"  it holds for {_held(approval)} and this release only"),
        ]
    )


def _held(approval: PolicyApproval) -> str:
    """What the approval names: whatever of it becomes another needs another approval."""
    more = ", these eval sets, prices and facts" if approval.decided_on else ""
    return f"these two policies{more}" + (", these settings" if approval.terms else "")


def approval_document(approval: PolicyApproval, release: str, statement: str) -> dict[str, Any]:
    """The same for programs, with the digest of the statement."""
    return {
        "release": release,
        "statement": statement,
        "approval": approval.model_dump(mode="json"),
    }
