"""A policy that demands less than the one which decided what is stable needs an approval."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from gatekeeper.core.admission import Reason
from gatekeeper.core.policy.diff import loosened
from gatekeeper.core.policy.document import policy_from
from gatekeeper.core.policy.forms import policy_digest
from gatekeeper.errors import InputError, IntegrityError
from gatekeeper.model.approval import PolicyApproval
from gatekeeper.model.statement import POLICY_APPROVAL
from gatekeeper.ops.evidence import relied_on, statements
from gatekeeper.ops.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatekeeper.model.ledger import LedgerEntry, ReliedOn
    from gatekeeper.model.verdict import Loosened, Verdict
    from gatekeeper.ops.site import Site
    from gatekeeper.ports import Signed

SHOWN: Final = 4
"""Loosened parts that a reason names."""


def judged(
    site: Site, verdict: Verdict, active: str | None, relied: ReliedOn | None
) -> tuple[tuple[Reason, ...], tuple[str, ...]]:
    """What stands in the way because the policy demands less, and the approvals that clear it.

    Args:
        site: The environment.
        verdict: On the release that is to be promoted.
        active: The release that is stable.
        relied: What made that one stable.
    """
    if active is None or relied is None:
        return (), ()
    try:
        before = demanded(site, active, relied)
        if before is None or _digest(before) == verdict.policy:
            return (), ()
        if not verdict.inputs.policy:
            return (_unheld(site, verdict),), ()
        found = loosened(before, decided_by(verdict))
    except (IntegrityError, InputError, ValueError) as error:
        text = f"the policy that decided what is stable cannot be compared with: {error}"
        fix = "restore the store from a copy"
        return (Reason("policy-before", text, refused=False, fix=fix),), ()
    return _weighed(site, verdict, _digest(before), found) if found else ((), ())


def _weighed(
    site: Site, verdict: Verdict, before: str, found: Sequence[Loosened]
) -> tuple[tuple[Reason, ...], tuple[str, ...]]:
    if _before(verdict) != before:
        return (_beside_another(site, verdict, found),), ()
    approvals = tuple(approving(site, verdict, before))
    if verdict.needs_approval and not approvals:
        return (_unapproved(site, verdict, found),), ()
    return (), approvals


def _digest(policy: Policy) -> str:
    return policy_digest(policy.value, policy.parameters)


def decided_by(verdict: Verdict) -> Policy:
    """The policy that a verdict holds; raises `ValueError` where it cannot be read."""
    return Policy(policy_from(verdict.inputs.policy), verdict.parameters, sets=verdict.sets)


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
    if verdict.loosened and before and not _approved(site, release, relied):
        return Policy(policy_from(before.policy), before.parameters, sets=verdict.sets)
    return decided_by(verdict) if verdict.inputs.policy else None


def _approved(site: Site, release: str, relied: ReliedOn) -> bool:
    """Whether a ledger entry relies on an approval; its signature vouches for that."""
    found = site.releases.referrers(release, POLICY_APPROVAL)
    return any(name in relied.evidence for name, _ in found)


def approving(site: Site, verdict: Verdict, before: str) -> Iterator[str]:
    """Digests of the approvals for this environment and exactly these two policies."""
    for name, signed in statements(site, verdict.release, POLICY_APPROVAL, "promote").counted:
        approval = _read(signed)
        if approval and _about(approval) == (site.name, verdict.policy, before):
            yield name


def _about(approval: PolicyApproval) -> tuple[str, str, str]:
    return approval.environment, approval.policy, approval.before


def told(found: Sequence[Loosened]) -> str:
    """What is loosened, in a line."""
    parts = [f"{one.rule} {one.what} {one.before} -> {one.after}" for one in found]
    more = f" and {len(parts) - SHOWN} more" if parts[SHOWN:] else ""
    return ", ".join(parts[:SHOWN]) + more


def gate_again(site: Site, verdict: Verdict) -> str:
    """The command that decides a run as the environment asks for it."""
    settings = site.environment
    return f"gatekeeper gate {verdict.run}{_by(settings.policy, settings.policy_parameters)}"


def _by(policy: str | None, parameters: Mapping[str, float]) -> str:
    named = f" --policy {policy}" if policy else ""
    return named + "".join(f" --parameter {name}={value:g}" for name, value in parameters.items())


def _before(verdict: Verdict) -> str | None:
    """Digest of the policy that a verdict was decided beside."""
    before = verdict.inputs.before
    return policy_digest(policy_from(before.policy), before.parameters) if before else None


def _beside_another(site: Site, verdict: Verdict, found: Sequence[Loosened]) -> Reason:
    return Reason(
        "verdict-before",
        f"its policy demands less than the one that decided what is stable in {site.name}"
        f" ({told(found)}), and the verdict was not decided beside that one",
        refused=False,
        fix=f"{gate_again(site, verdict)} --env {site.name}",
    )


def _unheld(site: Site, verdict: Verdict) -> Reason:
    return Reason(
        "verdict-before",
        "its verdict does not hold the policy that it was decided by, and that is another than the"
        f" one which decided what is stable in {site.name}",
        refused=False,
        fix=f"{gate_again(site, verdict)} --env {site.name}",
    )


def _unapproved(site: Site, verdict: Verdict, found: Sequence[Loosened]) -> Reason:
    return Reason(
        "policy-loosened",
        "it passes only because its policy demands less than the one that decided what is stable"
        f" in {site.name}: {told(found)}",
        refused=True,
        fix=f"gatekeeper policy approve FILE --release sha256:{verdict.release[7:19]}"
        f" --env {site.name} --reason WHY, by somebody with a key of the role promote",
    )


def _read(signed: Signed) -> PolicyApproval | None:
    try:
        return PolicyApproval.model_validate_json(json.dumps(signed.statement.predicate))
    except ValidationError:
        return None
