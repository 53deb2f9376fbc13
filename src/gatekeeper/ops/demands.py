"""What a verdict demanded of a release, and by what the next one demands less."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.core.canonical import canonical, digest
from gatekeeper.core.policy.basis import Basis, basis_eased, other_facts
from gatekeeper.core.policy.diff import loosened
from gatekeeper.core.policy.document import policy_from
from gatekeeper.core.policy.forms import policy_digest
from gatekeeper.model.facts import Facts
from gatekeeper.model.statement import POLICY_APPROVAL
from gatekeeper.ops.evidence import read_approval, relied_on
from gatekeeper.ops.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from gatekeeper.model.ledger import LedgerEntry, ReliedOn
    from gatekeeper.model.verdict import Loosened, Verdict
    from gatekeeper.ops.site import Site


@dataclass(frozen=True, slots=True)
class Less:
    """By what less may be demanded.

    Attributes:
        rules: Of the policy.
        basis: Eval sets and prices.
        facts: That are others.
    """

    rules: tuple[Loosened, ...] = ()
    basis: tuple[Loosened, ...] = ()
    facts: tuple[Loosened, ...] = ()

    @property
    def all(self) -> tuple[Loosened, ...]:
        """All of it, limits first."""
        return (*self.rules, *self.basis, *self.facts)


def less_demanded(before: Policy, after: Policy) -> Less:
    """By what less may be demanded than before."""
    rules = () if applied_digest(before) == applied_digest(after) else loosened(before, after)
    facts = tuple(other_facts(before.facts, after.facts))
    return Less(rules, basis_eased(before, after), facts)


def decided_on(policy: Policy) -> str:
    """Digest of the eval sets, prices and facts that a policy decides by."""
    basis = policy.basis
    prices = {name: price.model_dump(mode="json") for name, price in basis.prices.items()}
    facts = policy.facts.model_dump(mode="json") if policy.facts else None
    judged = {name: asked.judged for name, asked in basis.asked.items()}
    content = {"sets": dict(basis.sets), "judged": judged, "prices": prices, "facts": facts}
    return digest(canonical(content))


def applied_digest(policy: Policy) -> str:
    """By which a verdict names a policy with its parameters."""
    return policy_digest(policy.value, policy.parameters)


def decided_by(verdict: Verdict) -> Policy:
    """The policy that a verdict holds; raises `ValueError` where it cannot be read."""
    return _on_its_basis(verdict, verdict.inputs.policy, verdict.parameters)


def held_before(verdict: Verdict) -> Policy | None:
    """The policy that a verdict was decided beside; raises `ValueError` where it is unreadable."""
    held = verdict.inputs.before
    if held is None:
        return None
    basis = Basis(held.sets, held.asked, held.prices)
    return _read(held.policy, held.parameters, held.facts, basis)


def _on_its_basis(
    verdict: Verdict, policy: Mapping[str, JsonValue], parameters: Mapping[str, float]
) -> Policy:
    """A policy on the eval sets, prices and facts of a verdict."""
    basis = Basis(verdict.sets, verdict.asked, verdict.prices)
    return _read(policy, parameters, verdict.inputs.facts, basis)


def _read(
    policy: Mapping[str, JsonValue],
    parameters: Mapping[str, float],
    facts: Mapping[str, JsonValue] | None,
    basis: Basis,
) -> Policy:
    known = Facts.model_validate_json(json.dumps(facts)) if facts else None
    return Policy(policy_from(policy), parameters, facts=known, basis=basis)


def decided_before(site: Site, entry: LedgerEntry) -> Policy | None:
    """What an entry's release had to meet, and the next one has to; None where nobody kept it.

    Raises:
        IntegrityError: The verdict that the entry relied on is not there.
    """
    return demanded(site, entry.state.stable.release, entry.relied_on)


def demanded(site: Site, release: str, relied: ReliedOn) -> Policy | None:
    """The policy that decided a release, or the one before it that nobody approved to ease.

    A policy that demands less does not count because a release came by that would have passed
    before, too: else the next one could have what it could not have at once.

    Raises:
        IntegrityError: The verdict that was relied on is not there.
        ValueError: Its policy is none that this version can read.
    """
    if relied.verdict is None:
        return None
    verdict = relied_on(site, release, relied.verdict).verdict
    before = verdict.inputs.before
    if verdict.loosened and before and not _approved(site, verdict, relied):
        return _on_its_basis(verdict, before.policy, before.parameters)
    return decided_by(verdict) if verdict.inputs.policy else None


def _approved(site: Site, verdict: Verdict, relied: ReliedOn) -> bool:
    """Whether a ledger entry relies on an approval of the policy that decided it.

    One of other settings of the environment is none of the policy.
    """
    for name, bundle in site.releases.referrers(verdict.release, POLICY_APPROVAL):
        if name in relied.evidence:
            signed = site.verifier.verify(
                bundle,
                role="promote",
                predicate_type=POLICY_APPROVAL,
                subject=verdict.release,
                lapsed=True,
            )
            approval = read_approval(signed)
            if approval and approval.policy == verdict.policy:
                return True
    return False
