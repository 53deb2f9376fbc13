"""A policy that demands less than the one which decided what is stable needs an approval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.core.admission import Reason
from gatekeeper.core.policy.basis import FACTS
from gatekeeper.core.terms import terms_digest, terms_eased
from gatekeeper.core.wording import first_of
from gatekeeper.errors import InputError, IntegrityError
from gatekeeper.model.statement import POLICY_APPROVAL
from gatekeeper.ops.demands import (
    applied_digest,
    decided_before,
    decided_by,
    decided_on,
    held_before,
    less_demanded,
)
from gatekeeper.ops.evidence import read_approval, statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatekeeper.model.approval import PolicyApproval
    from gatekeeper.model.ledger import LedgerEntry
    from gatekeeper.model.verdict import Loosened, Verdict
    from gatekeeper.ops.demands import Less
    from gatekeeper.ops.policy import Policy
    from gatekeeper.ops.site import Site

SHOWN: Final = 4
"""Loosened parts that a reason names."""


def of_policy(
    site: Site, verdict: Verdict, head: LedgerEntry | None
) -> tuple[tuple[Reason, ...], tuple[str, ...]]:
    """What stands in the way because the policy demands less, and the approvals that clear it.

    Args:
        site: The environment.
        verdict: On the release that is to be promoted.
        head: The entry that made something stable here.
    """
    if head is None:
        return (), ()
    try:
        before = decided_before(site, head)
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


def of_terms(
    site: Site, release: str, head: LedgerEntry | None
) -> tuple[tuple[Reason, ...], tuple[str, ...]]:
    """What stands in the way because the environment asks less, and the approvals that clear it."""
    now = site.environment.terms
    eased = terms_eased(site.name, head.terms, now) if head and head.terms else ()
    if not eased:
        return (), ()
    wanted = site.name, terms_digest(now)
    approvals = tuple(
        name
        for name, signed in statements(site, release, POLICY_APPROVAL, "promote").counted
        if (found := read_approval(signed)) and (found.environment, found.terms) == wanted
    )
    return (() if approvals else (_asks_less(site, release, eased),)), approvals


def approving(site: Site, verdict: Verdict, before: str, bound: str | None) -> Iterator[str]:
    """Digests of the approvals for this environment and exactly these two policies.

    Args:
        site: The environment.
        verdict: On the release.
        before: Digest of the policy before.
        bound: Of the eval sets, prices and facts that must be named, where they matter.
    """
    for name, signed in statements(site, verdict.release, POLICY_APPROVAL, "promote").counted:
        approval = read_approval(signed)
        if approval is None or bound not in {None, approval.decided_on}:
            continue
        if _about(approval) == (site.name, verdict.policy, before):
            yield name


def _about(approval: PolicyApproval) -> tuple[str, str, str]:
    return approval.environment, approval.policy, approval.before


def told(found: Sequence[Loosened]) -> str:
    """What is loosened, in a line."""
    parts = [f"{one.rule} {one.what} {one.before} -> {one.after}" for one in found]
    return first_of(parts, SHOWN)


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
    only = "it passes only because" if found.rules else "it passes, but"
    return Reason(
        "policy-loosened",
        f"{only} {_what(found)} {site.name}: {told(found.all)}",
        refused=True,
        fix=_approve(site, verdict.release),
    )


def _asks_less(site: Site, release: str, found: Sequence[Loosened]) -> Reason:
    parts = [f"{one.what} {one.before} -> {one.after}" for one in found]
    return Reason(
        "environment-loosened",
        f"{site.name} asks for less than when a release was last promoted there:"
        f" {', '.join(parts)}",
        refused=True,
        fix=f"{_approve(site, release)}; or restore the settings",
    )


def _approve(site: Site, release: str) -> str:
    return (
        f"gatekeeper policy approve FILE --release sha256:{release[7:19]} --env {site.name}"
        " --reason WHY, by somebody with a key of the role promote"
    )


def _beside(verdict: Verdict, before: Policy) -> bool:
    """Whether a verdict was decided beside a policy, and what that one decided by."""
    held = held_before(verdict)
    if held is None:
        return False
    names = [(applied_digest(one), decided_on(one)) for one in (held, before)]
    return names[0] == names[1]
