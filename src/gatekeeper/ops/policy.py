"""A policy as it is applied: what it says, and what it was given from outside."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from gatekeeper.core.policy.basis import Basis
from gatekeeper.core.policy.forms import metrics_of, normalise, unlocated
from gatekeeper.core.policy.use import with_limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.core.policy.rules import Locate
    from gatekeeper.model.facts import Facts
    from gatekeeper.model.policy import AnyPolicy, Rule
    from gatekeeper.model.verdict import Skip


@dataclass(frozen=True)
class Policy:
    """A policy as it is applied: what it says, and what it was given from outside.

    Attributes:
        parameters: Values of the names that conditions mention.
        locate: Places a problem in the file that it came from.
        limits: Limits tried in place of the policy's own, by the name of the rule.
        skips: Rules taken out of the decision, by name, and who did.
        facts: What no record knows.
        facts_given: They were given by hand, and are not what the policy names.
        before: The policy that decided the active release, where that is known.
        basis: The eval sets and prices that it decides by, where that is known.
    """

    value: AnyPolicy
    parameters: Mapping[str, float] = field(default_factory=dict)
    locate: Locate = unlocated
    limits: Mapping[str, float] = field(default_factory=dict)
    skips: Mapping[str, Skip] = field(default_factory=dict)
    facts: Facts | None = None
    facts_given: bool = False
    before: Policy | None = None
    basis: Basis = field(default_factory=Basis)

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """Its rules, made once; raises `InputError` with every line that is none."""
        rules = normalise(self.value, self.parameters, self.locate)
        return with_limits(rules, self.limits) if self.limits else rules

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """Every metric that its rules may name."""
        return metrics_of(self.value)
