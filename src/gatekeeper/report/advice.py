"""What to do about a verdict, and what to know before relying on it: the same in every format."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.core.canonical import short
from gatekeeper.core.policy.basis import of_basis
from gatekeeper.core.wording import listed
from gatekeeper.report.outcomes import SETTLED, first_to_tell

if TYPE_CHECKING:
    from gatekeeper.model.verdict import RuleResult, Verdict


@dataclass(frozen=True, slots=True)
class Step:
    """A command to give next, and what it is for."""

    command: str
    purpose: str


def urgent(verdict: Verdict) -> list[RuleResult]:
    """The rules that ask something of somebody, what blocks first."""
    return [rule for rule in first_to_tell(verdict) if rule.outcome not in SETTLED]


def next_steps(verdict: Verdict, policy: str = "") -> list[Step]:
    """Commands that help with what did not pass; none where everything did.

    Args:
        verdict: What was decided.
        policy: The file of its policy, where it is known.
    """
    outcomes = {rule.outcome for rule in urgent(verdict)}
    steps: list[Step] = []
    if verdict.baseline not in {None, verdict.release} and "fail" in outcomes:
        both = f"sha256:{short(verdict.baseline or '')} sha256:{short(verdict.release)}"
        steps += [
            Step(f"gatekeeper attribute {verdict.run}", "which part did it"),
            Step(f"gatekeeper diff {both}", "what changed"),
        ]
    if "fail" in outcomes:
        steps.append(Step(f"gatekeeper runs show {verdict.run} --failures", "what failed"))
    if "error" in outcomes:
        steps.append(Step(f"gatekeeper runs show {verdict.run}", "what happened"))
    if "inconclusive" in outcomes:
        file = shlex.quote(policy) if policy else "POLICY"
        given = [f"--parameter {name}={value:g}" for name, value in verdict.parameters.items()]
        words = [file, *given, f"--release sha256:{short(verdict.release)}"]
        steps.append(Step(f"gatekeeper policy check {' '.join(words)}", "how much it takes"))
    return steps


def _because(verdict: Verdict) -> str:
    """Limits are decided again as they were; what easier samples did, nobody can tell."""
    if any(of_basis(one) for one in verdict.loosened):
        return "eval sets, prices or facts demand less than before"
    return "passes only because limits were loosened"


def notices(verdict: Verdict) -> list[tuple[str, str]]:
    """What anybody who relies on the verdict should know: labels and texts."""
    found: list[tuple[str, str]] = [
        (kind, f"rests on {clause}") for kind, clause in verdict.indirect.items()
    ]
    if verdict.inputs.limits:
        tried = listed([f"{name} {value:g}" for name, value in verdict.inputs.limits.items()])
        found.append(("what if", f"decided with other limits than the policy's: {tried}"))
    removed = [one.rule for one in verdict.loosened if one.what == "removed"]
    if removed:
        found.append(("loosened", f"no longer there: {', '.join(removed)}"))
    found += [
        ("loosened", f"{one.rule}: {one.what} {one.before} → {one.after}")
        for one in verdict.loosened
        if one.what != "removed"
    ]
    if verdict.needs_approval:
        found.append(("approval", f"{_because(verdict)}: a promotion needs approval"))
    found += [("warning", text) for text in verdict.warnings]
    return found
