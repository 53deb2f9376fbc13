"""A release against itself: what flips, and what each rule would make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gatekeeper.core.decide import decide
from gatekeeper.core.measure import RELATIVE
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.errors import UndecidedError
from gatekeeper.model.noise import Noise, RuleNoise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.core.observation import Observation
    from gatekeeper.model.noise import Flips
    from gatekeeper.model.policy import Rule
    from gatekeeper.model.run import Run


class Twins(Protocol):
    """The tables of an A/A run."""

    def flips(self) -> tuple[Flips, ...]:
        """What differs between the two times."""
        ...

    def answered(self) -> int:
        """Requests that did not end in an error."""
        ...

    def observe(self, metric: Metric, *, paired: bool) -> Observation:
        """The second time beside the first, where `paired`."""
        ...


def noise_of(run: Run, twins: Twins, rules: Sequence[Rule]) -> Noise:
    """What an A/A run shows.

    Raises:
        UndecidedError: Every request ended in an error, so that nothing was seen of the release.
    """
    if not twins.answered():
        raise UndecidedError(
            "every request ended in an error, so nothing is known of the release's noise",
            where=f"run {run.id}",
            fix=f"see why: `gatekeeper runs show {run.id} --failures`",
        )
    measured = [rule for rule in rules if rule.metric in METRICS]
    return Noise(
        release=run.candidate.digest,
        release_name=run.candidate.name,
        run=run.id,
        flips=twins.flips(),
        rules=tuple(_rule(rule, twins) for rule in measured),
        determinism=run.determinism,
    )


def _rule(rule: Rule, twins: Twins) -> RuleNoise:
    """The rule itself where it compares; otherwise its metric, compared."""
    compares = rule.test in RELATIVE
    metric = METRICS[rule.metric]
    asked = rule if compares else rule.model_copy(update={"test": "max_increase", "limit": 0.0})
    found = decide(asked, metric, twins.observe(metric, paired=True))
    return RuleNoise(
        rule=rule.name,
        metric=rule.metric,
        unit=found.unit,
        first=found.baseline,
        second=found.candidate,
        difference=found.estimate,
        low=found.low,
        high=found.high,
        n=found.n,
        outcome=found.outcome if compares or found.outcome == "error" else None,
        reason=found.reason if compares or found.outcome == "error" else "",
    )
