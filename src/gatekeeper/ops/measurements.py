"""What a decision asks of the tables of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gatekeeper.core.answering import Answered, Failures
    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.core.observation import Critical, Observation
    from gatekeeper.core.statistics.replicates import Components
    from gatekeeper.model.facts import Facts
    from gatekeeper.model.verdict import Contribution


class Measurements(Protocol):
    """A run's tables, as far as a decision needs them."""

    def conversations(self, release: str) -> Mapping[str, int]:
        """First requests of a release by suite."""
        ...

    def given(self, facts: Facts | None) -> Measurements:
        """The same tables with other facts."""
        ...

    def price_books(self) -> tuple[str, ...]:
        """Digests of the price books that calls were priced with; "" for a call without one."""
        ...

    def expect(self, metrics: Iterable[Metric]) -> None:
        """Say what will be asked for, so that no more is read of the records; not a promise."""
        ...

    def failures(self) -> Failures:
        """How much of the candidate's requests and scores are errors."""
        ...

    def baseline_answered(self) -> Mapping[str, Answered]:
        """How much of what the baseline was asked it answered, by suite."""
        ...

    def observe(self, metric: Metric, *, paired: bool) -> Observation:
        """What a decision about the candidate needs, against the baseline where `paired`."""
        ...

    def slices(self, metric: Metric, by: str, *, paired: bool) -> Mapping[str, Observation]:
        """The same in each slice: by the values of a tag or of a column of requests."""
        ...

    def tags(self, suites: Sequence[str]) -> tuple[str, ...]:
        """Tags whose few values part the samples of some suites, or of all."""
        ...

    def replicates(self, metric: Metric) -> Components | None:
        """How values vary between samples and between replicates of one, where there are any."""
        ...

    def contributions(self, metric: Metric, *, paired: bool) -> tuple[Contribution, ...]:
        """The samples that moved the metric the wrong way most."""
        ...

    def critical(self, wanted: Sequence[str]) -> tuple[Critical, ...]:
        """How the samples did that a policy calls critical."""
        ...
