"""A policy that demands less than the one which decided what is stable needs an approval."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from gatekeeper.core.admission import Reason
from gatekeeper.core.policy.basis import FACTS
from gatekeeper.errors import InputError, IntegrityError
from gatekeeper.model.approval import PolicyApproval
from gatekeeper.model.statement import POLICY_APPROVAL
from gatekeeper.ops.demands import (
    applied_digest,
    decided_by,
    decided_on,
    demanded,
    held_before,
    less_demanded,
)
from gatekeeper.ops.evidence import statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatekeeper.model.ledger import ReliedOn
    from gatekeeper.model.verdict import Loosened, Verdict
    from gatekeeper.ops.demands import Less
    from gatekeeper.ops.policy import Policy
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
        if before is None:
            return (), ()
        if not verdict.inputs.policy and applied_digest(before) != verdict.policy:
            return (_unheld(site, verdict),), ()
        return _weighed(site, verdict, before)
    except (IntegrityError, InputError, ValueError) as error:
        text = f"the policy that decided what is stable cannot be compared with: {error}"
        fix = "restore the store from a copy"
        return (Reason("policy-before", text, refused=False, fix=fix),), ()


def _weighed(
    site: Site, verdict: Verdict, before: Policy
) -> tuple[tuple[Reason, ...], tuple[str, ...]]:
    after = decided_by(verdict) if verdict.inputs.policy else before
    found = less_demanded(before, after)
    if not found.all:
        return (), ()
    if not _beside(verdict, before):
        return (_beside_another(site, verdict, found),), ()
    approvals = tuple(
        approving(site, verdict, applied_digest(before), _bound(verdict, after, found))
    )
    if verdict.needs_approval and not approvals:
        return (_unapproved(site, verdict, found),), ()
    return (), approvals


def _bound(verdict: Verdict, after: Policy, found: Less) -> str | None:
    """What an approval has to name beside the policies: facts only where the verdict says so."""
    wanted = found.basis or any(one.rule == FACTS for one in verdict.loosened)
    return decided_on(after) if wanted else None


def approving(site: Site, verdict: Verdict, before: str, bound: str | None) -> Iterator[str]:
    """Digests of the approvals for this environment and exactly these two policies.

    Args:
        site: The environment.
        verdict: On the release.
        before: Digest of the policy before.
        bound: Of the eval sets, prices and facts that must be named, where they matter.
    """
    for name, signed in statements(site, verdict.release, POLICY_APPROVAL, "promote").counted:
        approval = _read(signed)
        if approval is None or bound not in {None, approval.decided_on}:
            continue
        if _about(approval) == (site.name, verdict.policy, before):
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


def _beside_another(site: Site, verdict: Verdict, found: Less) -> Reason:
    return Reason(
        "verdict-before",
        f"{_what(found)} {site.name} ({told(found.all)}), and the verdict was not decided beside"
        " that",
        refused=False,
        fix=f"{gate_again(site, verdict)} --env {site.name}",
    )


def _what(found: Less) -> str:
    """What is less, up to the name of the environment."""
    if found.rules:
        return "its policy demands less than the one that decided what is stable in"
    return "it has other eval sets, prices or facts than those that decided what is stable in"


def _unheld(site: Site, verdict: Verdict) -> Reason:
    return Reason(
        "verdict-before",
        "its verdict does not hold the policy that it was decided by, and that is another than the"
        f" one which decided what is stable in {site.name}",
        refused=False,
        fix=f"{gate_again(site, verdict)} --env {site.name}",
    )


def _unapproved(site: Site, verdict: Verdict, found: Less) -> Reason:
    return Reason(
        "policy-loosened",
        f"it passes, but only because {_what(found)} {site.name}: {told(found.all)}"
        if found.rules
        else f"it passes, but {_what(found)} {site.name}: {told(found.all)}",
        refused=True,
        fix=f"gatekeeper policy approve FILE --release sha256:{verdict.release[7:19]}"
        f" --env {site.name} --reason WHY, by somebody with a key of the role promote",
    )


def _read(signed: Signed) -> PolicyApproval | None:
    try:
        return PolicyApproval.model_validate_json(json.dumps(signed.statement.predicate))
    except ValidationError:
        return None


def _beside(verdict: Verdict, before: Policy) -> bool:
    """Whether a verdict was decided beside a policy, and what that one decided by."""
    held = held_before(verdict)
    if held is None:
        return False
    names = [(applied_digest(one), decided_on(one)) for one in (held, before)]
    return names[0] == names[1]
