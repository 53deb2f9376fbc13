"""One run's tables, measured on demand."""

from __future__ import annotations

from copy import copy
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.metrics import observing
from gatekeeper.adapters.metrics.columns import ALWAYS, COLUMNS, columns_of
from gatekeeper.adapters.metrics.contributing import contributions
from gatekeeper.adapters.metrics.critical import critical, critical_samples
from gatekeeper.adapters.metrics.failing import answered, failures, price_books
from gatekeeper.adapters.metrics.replicating import strata
from gatekeeper.adapters.metrics.slices import members, sliced, tags
from gatekeeper.adapters.metrics.trials import make_trials
from gatekeeper.adapters.metrics.units import row
from gatekeeper.adapters.metrics.views import define, show
from gatekeeper.core.metrics import formula
from gatekeeper.core.observation import Missing, Sums
from gatekeeper.core.own_metrics import SOURCE
from gatekeeper.core.statistics.replicates import variance_components

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from gatekeeper.core.answering import Answered, Failures
    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.core.observation import Critical, Observation
    from gatekeeper.core.statistics.replicates import Components
    from gatekeeper.model.facts import Facts
    from gatekeeper.model.record import Arm
    from gatekeeper.model.verdict import Contribution

_CONVERSATIONS: Final = """
SELECT suite, sum(conversations)::BIGINT FROM unnamed_trials WHERE side = $side
GROUP BY suite ORDER BY suite
"""
_EACH: Final = """
SELECT suite, sample, replicate, coalesce(cluster, ''), y, d FROM metric
WHERE side = $side AND NOT silent AND list_contains($suites, suite)
ORDER BY suite, sample, replicate
"""
_REUSED: Final = """
SELECT count(*) FILTER (NOT from_cache), count(*) FILTER (from_cache)
FROM calls WHERE kind = 'model'
"""
_TRIALS: Final = "SELECT count(*) FROM unnamed WHERE side = 1 AND NOT silent"
_NO_FORMULA: Final = Missing("undefined", "it has no formula", "a metric that has one")
_SIZE: Final = "SELECT count(*) FROM requests"
LARGE: Final = 200_000
"""Requests of a sealed run from which rows are joined by their places instead of by names."""


class RunMeasurements:
    """One run's tables, measured on demand.

    Args:
        connection: The tables as `gatekeeper.adapters.tables.open_tables` gives them.
        candidate: Digest of the release under test.
        baseline: Digest of the release that it is compared with, if any.
        facts: What people declared that no record knows.
        directory: Where the sealed tables are, which a policy's own metrics are asked of.
    """

    def __init__(
        self,
        connection: DuckDBPyConnection,
        candidate: str,
        baseline: str | None,
        facts: Facts | None = None,
        directory: Path | None = None,
    ) -> None:
        self._connection = connection
        self._facts = facts
        self._directory = directory
        self._candidate = candidate
        self._baseline = baseline
        self._sides = {"candidate": candidate, "baseline": baseline or candidate}
        self._asked: dict[str, tuple[Metric, Missing | None]] = {}
        self._durations: dict[Hashable, Observation] = {}
        self._wanted: frozenset[str] = frozenset()
        self._made: frozenset[str] = frozenset()

    def expect(self, metrics: Iterable[Metric]) -> None:
        """Say what will be asked for, so that no more is read of the records; not a promise."""
        self._wanted |= columns_of(metrics)

    def given(self, facts: Facts | None) -> RunMeasurements:
        """The same tables with other facts."""
        if facts == self._facts:
            return self
        other = copy(self)
        other._facts, other._asked, other._durations = facts, {}, {}  # noqa: SLF001 - of its own class
        self._asked.clear()  # both ask by way of the same tables
        return other

    def conversations(self, release: str) -> dict[str, int]:
        """First requests of `release` by suite."""
        side = {"side": int(release == self._candidate)}
        self._make(ALWAYS)
        return dict(self._connection.execute(_CONVERSATIONS, side).fetchall())

    def price_books(self) -> tuple[str, ...]:
        """Digests of the price books that calls were priced with; "" for a call without one."""
        return price_books(self._connection)

    def failures(self) -> Failures:
        """How much of the candidate's requests and scores are errors."""
        self._make(ALWAYS)
        return failures(self._connection, self._candidate)

    def baseline_answered(self) -> dict[str, Answered]:
        """How much of what the baseline was asked it answered, by suite."""
        self._make(ALWAYS)
        return answered(self._connection, self._candidate)

    def _make(self, columns: frozenset[str]) -> None:
        """Make the table `trials`, with all columns unless it is known which will be needed."""
        if self._made and columns <= self._made:
            return
        if self._made or self._wanted:
            self._made |= self._wanted | columns
        else:
            self._made = frozenset((*COLUMNS, "scored"))
        if self._directory is None or row(self._connection, _SIZE)[0] < LARGE:
            make_trials(self._connection, **self._sides, columns=self._made)
            return
        from gatekeeper.adapters.metrics.dense import make_dense

        if not make_dense(self._connection, **self._sides, columns=self._made):
            make_trials(self._connection, **self._sides, columns=self._made)

    def observe(self, metric: Metric, *, paired: bool) -> Observation:
        """What a decision about the candidate needs, against the baseline where `paired`.

        Args:
            metric: What is measured.
            paired: On the same samples of both releases.
        """
        if missing := formula.absent(metric.formulas, self._facts):
            return missing
        if metric.kind == "declared":
            return self._declared(metric)
        # Several quantiles are asked of the same durations.
        key = (metric.sql, metric.suites, metric.source, paired)
        if key in self._durations:
            return self._durations[key]
        if missing := self._define(metric):
            return missing
        seen = self._seen(metric, paired=paired)
        if metric.kind == "quantile":
            self._durations[key] = seen
        return seen

    def slices(self, metric: Metric, by: str, *, paired: bool) -> dict[str, Observation]:
        """What `observe` gives for each slice of the samples, sorted by its value.

        Args:
            metric: What is measured.
            by: A column of requests (`suite`, `cluster`, `tenant`, `workload`, `feature`,
                `journey`, `task_class`, `route`, `product`) or a tag of the samples.
            paired: On the same samples of both releases.

        Returns:
            Observations by value; "" is of the samples that have none. Empty where no sample has
            one, and for what is made of facts alone.

        Raises:
            InputError: There are more than 1,000 slices.
        """
        if metric.kind == "declared" or formula.absent(metric.formulas, self._facts):
            return {}
        if missing := self._define(metric):
            return {"": missing}
        whole = row(self._connection, _TRIALS)[0]
        return {
            name: self._seen(metric, paired=paired, share=Fraction(trials, whole))
            for name, trials in sliced(self._connection, by, self._sides)
        }

    def tags(self, suites: Sequence[str]) -> tuple[str, ...]:
        """Tags whose few values part the candidate's samples in `suites`, or in all; sorted."""
        return tags(self._connection, self._candidate, suites)

    def replicates(self, metric: Metric) -> Components | None:
        """How the candidate's values vary between samples and between replicates of one.

        None where no sample has a second replicate, and for what is no value of a sample.
        """
        if metric.kind not in {"proportion", "mean"} or self._define(metric):
            return None
        return variance_components(strata(self._connection))

    def contributions(
        self, metric: Metric, *, paired: bool, limit: int = 5
    ) -> tuple[Contribution, ...]:
        """The samples that moved the estimate the wrong way most, the worst first."""
        if metric.kind == "declared":
            return ()
        if self._define(metric):
            return ()
        return contributions(self._connection, metric, self._candidate, paired=paired, limit=limit)

    def trials(
        self, metric: Metric, side: int, suites: Sequence[str]
    ) -> list[tuple[Any, ...]] | Missing:
        """What a metric shows, trial by trial, of one side (1 is the candidate) and some suites.

        Returns:
            Suite, sample, replicate, cluster, y and d, ordered by the first three.
        """
        if missing := self._define(metric):
            return missing
        return self._connection.execute(_EACH, {"side": side, "suites": list(suites)}).fetchall()

    def calls(self) -> tuple[int, int]:
        """Calls of models that were made for both sides, and that the response cache answered."""
        made, reused = row(self._connection, _REUSED)
        return made, reused

    def critical(self, wanted: Sequence[str]) -> tuple[Critical, ...]:
        """What became of critical samples, by id, tag, or ``tag=value``."""
        return tuple(critical(self._connection, self._candidate, name) for name in wanted)

    def critical_samples(self, arm: Arm, wanted: Sequence[str]) -> dict[tuple[str, str], bool]:
        """By suite and sample, whether one side failed what is critical at least once."""
        return critical_samples(self._connection, self._candidate, arm, wanted)

    def members(self, by: str, values: Sequence[str]) -> frozenset[tuple[str, str, int]]:
        """Suite, sample and replicate of what the candidate was asked in some slices."""
        self._make(ALWAYS)
        return members(self._connection, by, self._sides, values)

    def _seen(
        self,
        metric: Metric,
        *,
        paired: bool,
        share: Fraction = Fraction(1),
    ) -> Observation:
        """What the view `metric` shows, with its share of the facts."""
        measure = observing.paired if paired else observing.alone
        found = measure(self._connection, metric)
        used = formula.chosen(metric.formulas, self._facts) if self._facts else None
        if used and self._facts and isinstance(found, Sums):
            return formula.blended(found, used, self._facts, share)
        return found

    def _declared(self, metric: Metric) -> Observation:
        used = formula.chosen(metric.formulas, self._facts) if self._facts else None
        return formula.declared(used, self._facts) if used and self._facts else _NO_FORMULA

    def _define(self, metric: Metric) -> Missing | None:
        """Make `metric` the view that everything else reads; says why where it cannot be."""
        self._make(columns_of([metric]))
        if metric.source == SOURCE:
            return self._own(metric)
        define(self._connection, metric.sql)
        return None

    def _own(self, metric: Metric) -> Missing | None:
        """Run a policy's own SQL, once while it is the same, and make what it gives the view."""
        from gatekeeper.adapters.own_metrics import UNSEALED, measure_own, records_of, table_of

        if self._directory is None:
            return UNSEALED
        if metric.name not in self._asked or self._asked[metric.name][0] != metric:
            releases = self._candidate, self._baseline
            records = records_of(self._connection, self._directory, *releases, self._facts)
            missing = measure_own(self._connection, metric, records)
            self._asked[metric.name] = metric, missing
        if missing := self._asked[metric.name][1]:
            return missing
        show(self._connection, f"FROM {table_of(metric)}")
        return None
