"""A policy that demands less than the one which decided what is stable needs an approval."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from gatekeeper.core.admission import Reason
from gatekeeper.core.policy_diff import loosened
from gatekeeper.core.policy_document import policy_from
from gatekeeper.core.policy_forms import policy_digest
from gatekeeper.errors import InputError, IntegrityError
from gatekeeper.model.approval import PolicyApproval
from gatekeeper.model.statement import POLICY_APPROVAL
from gatekeeper.ops.evidence import relied_on, statements
from gatekeeper.ops.gate import Policy

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
    if active is None or relied is None or relied.policy == verdict.policy:
        return (), ()
    if relied.verdict is None:
        return (), ()
    try:
        earlier = relied_on(site, active, relied.verdict).verdict
        found = between(earlier, verdict)
    except (IntegrityError, InputError, ValueError) as error:
        text = f"the policy that decided what is stable cannot be compared with: {error}"
        fix = "restore the store from a copy"
        return (Reason("policy-before", text, refused=False, fix=fix),), ()
    if earlier.inputs.policy and not verdict.inputs.policy:
        return (_unheld(site, verdict),), ()
    return _weighed(site, verdict, earlier.policy, found) if found else ((), ())


def _weighed(
    site: Site, verdict: Verdict, before: str, found: Sequence[Loosened]
) -> tuple[tuple[Reason, ...], tuple[str, ...]]:
    if _before(verdict) != before:
        return (_beside_another(site, verdict, found),), ()
    if not verdict.needs_approval:
        return (), ()
    approvals = tuple(approving(site, verdict, before))
    return ((), approvals) if approvals else ((_unapproved(site, verdict, found),), ())


def between(earlier: Verdict, later: Verdict) -> tuple[Loosened, ...]:
    """What the policy of the later verdict demands less of.

    Verdicts of older versions do not hold their policies; what they demanded is then not known.

    Raises:
        InputError: A policy names what this version does not know.
        ValueError: A policy is none that this version can read.
    """
    if not earlier.inputs.policy or not later.inputs.policy:
        return ()
    return loosened(decided_by(earlier), decided_by(later))


def decided_by(verdict: Verdict) -> Policy:
    """The policy that a verdict holds; raises `ValueError` where it cannot be read."""
    return Policy(policy_from(verdict.inputs.policy), verdict.parameters)


def decided_before(site: Site, entry: LedgerEntry) -> Policy | None:
    """The policy that decided what an entry made stable; None where its verdict kept none.

    Raises:
        IntegrityError: The verdict that the entry relied on is not there.
    """
    wanted = entry.relied_on.verdict
    if wanted is None:
        return None
    verdict = relied_on(site, entry.state.stable.release, wanted).verdict
    return decided_by(verdict) if verdict.inputs.policy else None


def approving(site: Site, verdict: Verdict, before: str) -> Iterator[str]:
    """Digests of the approvals that count here, for exactly these two policies."""
    for name, signed in statements(site, verdict.release, POLICY_APPROVAL, "promote").counted:
        approval = _read(signed)
        if approval and (approval.policy, approval.before) == (verdict.policy, before):
            yield name


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
