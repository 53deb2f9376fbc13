"""The verdict on a run that cannot be read as far as its rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.model.verdict import RuleResult, Verdict
from gatekeeper.ops.identity import identity

if TYPE_CHECKING:
    from datetime import datetime

    from gatekeeper.errors import GatekeeperError
    from gatekeeper.model.run import Run
    from gatekeeper.ops.policy import Policy


def unreadable(run: Run, policy: Policy, error: GatekeeperError, decided: datetime) -> Verdict:
    """An error in place of every rule; it is told, and never kept as evidence."""
    where = f"{error.where}: " if error.where else ""
    rule = RuleResult(
        rule="run.readable",
        section="run",
        outcome="error",
        reason=f"{where}{error.what}",
        code=error.code.replace("-", "_"),
        settle=error.fix,
        metric="run",
        test="evidence",
        blocks=True,
    )
    return Verdict(
        outcome="error",
        **identity(run, policy),
        rules=(rule,),
        decided=decided,
    )
