"""Approve of promoting a release by a policy that demands less than the one before it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gatekeeper.core import dsse
from gatekeeper.core.policy.forms import policy_digest
from gatekeeper.core.terms import terms_digest, terms_eased
from gatekeeper.errors import UndecidedError, UsageError
from gatekeeper.model.approval import PolicyApproval
from gatekeeper.model.statement import POLICY_APPROVAL, VERDICT, Statement
from gatekeeper.ops import ledger
from gatekeeper.ops.demands import decided_before, decided_by, decided_on, less_demanded
from gatekeeper.ops.evidence import read_verdict, statements

if TYPE_CHECKING:
    from gatekeeper.model.ledger import LedgerEntry
    from gatekeeper.model.verdict import Loosened
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
        policy: What it is promoted by, with the eval sets that it decided by last.
        intent: Who approves, why and when.
        signer: Of the role `promote`.

    Raises:
        UndecidedError: Nothing is known of the policy before.
        UsageError: Nothing is loosened, so that there is nothing to approve of.
        IntegrityError: The key does not count in this environment.
    """
    head = ledger.head(site, take_over=intent.take_over)
    before = decided_before(site, head.entry) if head else None
    terms = _terms(site, head.entry if head else None)
    if before is None and not terms:
        raise UndecidedError(
            "there is no policy to compare with: no verdict of this version decided what is stable",
            where=site.name,
            fix="promote it; there is nothing to approve of",
        )
    before = before or policy
    after = _decided(site, digest, policy) or replace(
        policy, facts=before.facts, basis=before.basis
    )
    found = less_demanded(before, after)
    if not (found.all or terms):
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
        decided_on=decided_on(after) if found.basis or found.facts else None,
        terms=terms_digest(site.environment.terms) if terms else None,
        loosened=(*found.all, *terms),
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


def _terms(site: Site, head: LedgerEntry | None) -> tuple[Loosened, ...]:
    if head is None or head.terms is None:
        return ()
    return terms_eased(site.name, head.terms, site.environment.terms)


def _decided(site: Site, digest: str, policy: Policy) -> Policy | None:
    """The policy with what it decided the release by last; None where it has not yet."""
    wanted = policy_digest(policy.value, policy.parameters)
    read = (read_verdict(one) for _, one in statements(site, digest, VERDICT, "gate").counted)
    found = [one for one in read if one and one.policy == wanted and one.inputs.policy]
    newest = max(found, key=lambda one: one.decided, default=None)
    return decided_by(newest) if newest else None
