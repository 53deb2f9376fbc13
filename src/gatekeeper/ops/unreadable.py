"""The verdict on a run that cannot be read as far as its rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.core.canonical import canonical_model, digest
from gatekeeper.core.policy.forms import policy_digest, policy_name
from gatekeeper.model.verdict import RuleResult, Verdict

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
        release=run.candidate.digest,
        release_name=run.candidate.name,
        baseline=run.baseline.digest if run.baseline else None,
        baseline_name=run.baseline.name if run.baseline else "",
        run=run.id,
        run_digest=digest(canonical_model(run)),
        policy=policy_digest(policy.value, policy.parameters),
        policy_name=policy_name(policy.value),
        rules=(rule,),
        decided=decided,
    )
