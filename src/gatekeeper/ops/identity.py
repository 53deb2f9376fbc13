"""What a verdict is about, however it came out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatekeeper.core.canonical import canonical_model, digest
from gatekeeper.core.policy.forms import policy_digest, policy_name

if TYPE_CHECKING:
    from gatekeeper.model.run import Run
    from gatekeeper.ops.policy import Policy


def identity(run: Run, policy: Policy) -> dict[str, Any]:
    """The fields of a verdict that name its run, both releases and the policy."""
    return {
        "release": run.candidate.digest,
        "release_name": run.candidate.name,
        "baseline": run.baseline.digest if run.baseline else None,
        "baseline_name": run.baseline.name if run.baseline else "",
        "run": run.id,
        "run_digest": digest(canonical_model(run)),
        "policy": policy_digest(policy.value, policy.parameters),
        "policy_name": policy_name(policy.value),
    }
