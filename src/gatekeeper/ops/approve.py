"""Approve of promoting a release by a policy that demands less than the one before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.core import dsse
from gatekeeper.core.policy.diff import loosened
from gatekeeper.core.policy.forms import policy_digest
from gatekeeper.errors import UndecidedError, UsageError
from gatekeeper.model.approval import PolicyApproval
from gatekeeper.model.statement import POLICY_APPROVAL, Statement
from gatekeeper.ops import ledger
from gatekeeper.ops.loosening import decided_before

if TYPE_CHECKING:
    from gatekeeper.ops.policy import Policy
    from gatekeeper.ops.promote import Intent
    from gatekeeper.ops.site import Site
    from gatekeeper.ports import Signer


@dataclass(frozen=True, slots=True)
class Approved:
    """An approval, and the statement that holds it, not yet attached."""

    approval: PolicyApproval
    bundle: bytes


def approve(site: Site, digest: str, policy: Policy, intent: Intent, signer: Signer) -> Approved:
    """Sign that a release may be promoted by a policy, whatever it demands less of.

    Args:
        site: The environment, whose active policy it is compared with.
        digest: The release.
        policy: What it is promoted by.
        intent: Who approves, why and when.
        signer: Of the role `promote`.

    Raises:
        UndecidedError: Nothing is known of the policy before.
        UsageError: Nothing is loosened, so that there is nothing to approve of.
        IntegrityError: The key does not count in this environment.
    """
    head = ledger.head(site, take_over=intent.take_over)
    before = decided_before(site, head.entry) if head else None
    if before is None:
        raise UndecidedError(
            "there is no policy to compare with: no verdict of this version decided what is stable",
            where=site.name,
            fix="promote it; there is nothing to approve of",
        )
    found = loosened(before, policy)
    if not found:
        raise UsageError(
            "demands no less than the policy before it, so there is nothing to approve of",
            where=site.name,
            fix="promote the release",
        )
    release = site.releases.load(digest)
    approval = PolicyApproval(
        policy=policy_digest(policy.value, policy.parameters),
        before=policy_digest(before.value, before.parameters),
        environment=site.name,
        loosened=found,
        actor=intent.actor,
        reason=intent.reason,
        time=intent.now,
    )
    content = approval.model_dump(mode="json")
    statement = Statement.about(digest, POLICY_APPROVAL, content, name=release.name)
    bundle = dsse.seal(statement, signer.key_id, signer.sign)
    # An approval that nobody accepts here would be found out only when it is needed.
    site.verifier.verify(bundle, role="promote", predicate_type=POLICY_APPROVAL, subject=digest)
    return Approved(approval, bundle)
