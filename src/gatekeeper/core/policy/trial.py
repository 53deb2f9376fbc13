"""What a policy said of a labelled run, beside what it should have said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.model.policy import GatePolicy

if TYPE_CHECKING:
    from gatekeeper.model.policy import AnyPolicy
    from gatekeeper.model.policy_test import PolicyCase
    from gatekeeper.model.verdict import RuleResult, Verdict

LONG_AGO = "0001-01-01"


@dataclass(frozen=True, slots=True)
class Differing:
    """A rule that said something else than expected; `found` is None where there is no such."""

    rule: str
    expected: str
    found: RuleResult | None


@dataclass(frozen=True, slots=True)
class Trial:
    """One case, decided."""

    case: PolicyCase
    verdict: Verdict

    @property
    def differing(self) -> tuple[Differing, ...]:
        """Rules that said something else than the case expects of them."""
        found = {one.rule: one for one in self.verdict.rules}
        return tuple(
            Differing(name, wanted, found.get(name))
            for name, wanted in self.case.rules.items()
            if name not in found or found[name].outcome != wanted
        )

    @property
    def as_expected(self) -> bool:
        """Whether the whole, and every rule that is named, came out as expected."""
        return self.verdict.outcome == self.case.expect and not self.differing

    @property
    def deciding(self) -> tuple[RuleResult, ...]:
        """Rules that made the outcome what it is."""
        outcome = self.verdict.outcome
        return tuple(one for one in self.verdict.rules if one.outcome == outcome != "pass")


def for_the_past(policy: AnyPolicy) -> AnyPolicy:
    """The policy as it would have been had it always been effective: past runs are older."""
    if not isinstance(policy, GatePolicy):
        return policy
    metadata = policy.metadata.model_copy(update={"effective": LONG_AGO})
    return policy.model_copy(update={"metadata": metadata})
