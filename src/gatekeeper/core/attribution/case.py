"""A rule that is asked about, and the unit in which its changes are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatekeeper.core.measure import RELATIVE
from gatekeeper.core.metrics.metric import Metric

if TYPE_CHECKING:
    from gatekeeper.core.attribution.resampling import Values
    from gatekeeper.model.facts import Facts
    from gatekeeper.model.policy import Rule
    from gatekeeper.model.verdict import RuleOutcome

MORE_IS_WORSE: Final = frozenset({"max", "max_increase", "census", "must_pass"})
"""Tests that are broken from above."""
_COUNTED: Final = frozenset({"census", "must_pass"})
CRITICAL: Final = Metric(
    "must_pass",
    "",
    "census",
    "count",
    definition="critical samples that failed in at least one replicate",
    source="requests, scores and outcomes of the samples that the policy names",
    nulls="a sample that was not run is none",
    look_at="those samples: `gatekeeper runs show RUN --failures`",
)
"""What a `must_pass` rule counts, as a metric."""


@dataclass(frozen=True, slots=True)
class Case:
    """A rule, its metric, and what the verdict says of it.

    Attributes:
        facts: What was declared that no request knows; the same for every release.
        slices: Values of `rule.by` that the question is about; all samples where there is none.
    """

    rule: Rule
    metric: Metric
    outcome: RuleOutcome
    facts: Facts | None = None
    slices: tuple[str, ...] = ()

    @property
    def bad(self) -> int:
        """1 where more is worse, -1 where less is."""
        return 1 if self.rule.test in MORE_IS_WORSE else -1

    @property
    def counted(self) -> bool:
        """Whether not one occurrence is allowed: then the samples count, and not a rate."""
        return self.rule.test in _COUNTED

    @property
    def unit(self) -> str:
        """What changes are told in: points of a rate, occurrences, or relative to the baseline.

        Where an absolute rule is about a value of which declared facts are a part, nothing is told
        relative to that: the facts may be all but a trace of it.
        """
        if self.metric.kind == "census" or self.metric.unit == "count":
            return "count"
        if self.metric.formulas and self.rule.test not in RELATIVE:
            return self.metric.unit
        return "points" if self.metric.unit == "rate" else "relative"

    def unit_for(self, values: Values) -> str:
        """The same; of a baseline of nothing, nothing can be a part."""
        plain = self.unit == "relative" and not values.value(0)
        return self.metric.unit if plain else self.unit
