"""Composition: two releases of a history compared on what a metric reads, by stored or new runs."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gatekeeper.cli.eval_sets import layout_of, sets_of
from gatekeeper.cli.evaluations import Evaluation, entrant
from gatekeeper.cli.mixes.bench import MixBench
from gatekeeper.cli.mixes.engines import OpenEngines
from gatekeeper.cli.mixes.runs import Allowance, carried
from gatekeeper.cli.pipelines import means_of
from gatekeeper.core.attribution.case import Case
from gatekeeper.core.attribution.figures import change_between
from gatekeeper.core.bisecting import any_change
from gatekeeper.core.observation import Missing
from gatekeeper.errors import UndecidedError, UsageError
from gatekeeper.model.run import RunRelease
from gatekeeper.ops.bisect import Compared

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.adapters.assembly import Means
    from gatekeeper.adapters.evalsets import LoadedSet
    from gatekeeper.cli.session import Session
    from gatekeeper.core.attribution.resampling import Values
    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.model.attribution import Mix, RuleAttribution
    from gatekeeper.model.evalset import Suite
    from gatekeeper.model.policy import Rule
    from gatekeeper.model.run import Run, RunOptions


@dataclass(slots=True)
class RunProber:
    """Compares two releases by a run of both: a stored one, or one that is made.

    Attributes:
        sets: Those of the bad release that the metric reads; all releases are asked these.
        engines: Stay open from the first run that asks anything.
    """

    session: Session
    metric: Metric
    sets: tuple[LoadedSet, ...]
    means: Means
    options: RunOptions
    seed: int
    allowance: Allowance
    engines: OpenEngines

    async def compare(self, release: RunRelease, other: RunRelease) -> Compared:
        """How far a release is from another; raises `UndecidedError` where that is not known."""
        directory, run, stored = await self._run(release, other)
        values, count = self._values(directory, run)
        case = self._case(any_change(self.metric))
        change = values if isinstance(values, Missing) else change_between(case, values)
        if isinstance(change, Missing) or isinstance(values, Missing):
            why = change.reason if isinstance(change, Missing) else ""
            raise UndecidedError(
                f"{self.metric.name} cannot be measured: {why}",
                where=f"{_called(release)}, run {run.id}",
            )
        scale = self.metric.scale
        both = values.value(0) * scale, values.value(1) * scale
        return Compared(change, both, count, run.id, stored)

    def _values(self, directory: Path, run: Run) -> tuple[Values | Missing, int]:
        """The metric of both releases of a run: 0 the baseline, 1 the candidate."""
        from gatekeeper.adapters.coalitions import sample_rows
        from gatekeeper.core.attribution.resampling import resampled
        from gatekeeper.core.attribution.samples import table

        suites = sorted({one.header.suite for one in self.sets})
        with sample_rows(directory, run) as read:
            sides = {
                0: read.rows(self.metric, "baseline", suites),
                1: read.rows(self.metric, "candidate", suites),
            }
        found = table(self.metric, sides, {})
        if isinstance(found, Missing):
            return found, 0
        return resampled(found, self.seed), len(found.unit)

    def _case(self, rule: Rule) -> Case:
        return Case(rule, self.metric, "fail")

    async def attribute(
        self, release: RunRelease, other: RunRelease, rule: Rule
    ) -> tuple[RuleAttribution | None, tuple[Mix, ...]]:
        """Which component moved it between two releases; None where they have the same ones."""
        from gatekeeper.core.attribution.players import in_order
        from gatekeeper.ops.attribute import evaluated, plan
        from gatekeeper.ops.sharing_out import shared_out

        directory, run, _ = await self._run(release, other)
        case, bench = self._case(rule), self._bench(directory, run)
        changed = in_order(bench.changed)
        if not changed:
            return None, ()
        made = plan(run, [case], changed, bench)
        bench.total = len(made.asks)
        mixes = await evaluated(made, bench)
        with closing(bench):
            return shared_out(case, run, made, bench, []), mixes

    def _bench(self, directory: Path, run: Run) -> MixBench:
        assert run.baseline is not None  # noqa: S101 - both were compared
        project = self.session.project
        return MixBench(
            session=self.session,
            directory=directory,
            run=run,
            candidate=entrant(project, run.candidate.digest)[0],
            baseline=entrant(project, run.baseline.digest)[0],
            sets=self.sets,
            means=self.means,
            policy=None,
            allowance=self.allowance,
            engines=self.engines,
        )

    async def _run(self, release: RunRelease, other: RunRelease) -> tuple[Path, Run, bool]:
        known = self._stored(release, other)
        if known is not None:
            return *known, True
        self.session.note(f"{_called(release)} against {_called(other)}")
        evaluation = self._evaluation(release, other)
        both = (evaluation.candidate, evaluation.baseline or evaluation.candidate)
        return await carried(
            evaluation,
            self.allowance,
            expected={},
            prepare=lambda: self.engines.hold(*both),
            say=self.session.note,
            again=f"`gatekeeper bisect {self.metric.name}` again goes on from there",
        )

    def _evaluation(self, release: RunRelease, other: RunRelease) -> Evaluation:
        from gatekeeper.pipeline.budgets import SpendMeter

        project = self.session.project
        compared: tuple[Suite, ...] = tuple(sorted({one.header.suite for one in self.sets}))
        return Evaluation(
            project=project,
            candidate=entrant(project, release.digest)[0],
            baseline=entrant(project, other.digest)[0],
            sets=self.sets,
            layout=layout_of(self.sets, compared, self.options, self.seed),
            means=replace(self.means, spend=SpendMeter()),
            rules=(),
            options=self.options,
            baseline_suites=compared,
            seed=self.seed,
        )

    def _stored(self, release: RunRelease, other: RunRelease) -> tuple[Path, Run] | None:
        """The newest stored run of the same two on the same samples at the same prices."""
        from gatekeeper.adapters.runs import RUN_FILE, read_run

        for path in sorted(self.session.project.runs.glob(f"*/{RUN_FILE}"), reverse=True):
            run = read_run(path.parent)
            if (run.candidate, run.baseline) == (release, other) and self._same(run):
                return path.parent, run
        return None

    def _same(self, run: Run) -> bool:
        from gatekeeper.core.canonical import canonical_model, digest

        whole = bool(run.files) and not run.partial and run.source is None and not run.options.aa
        used = {one.name: one.digest for one in run.sets}
        asked = all(used.get(one.header.name) == one.digest for one in self.sets)
        compared = {one.header.suite for one in self.sets} <= set(run.baseline_suites)
        return (
            whole
            and asked
            and compared
            and run.price_book == digest(canonical_model(self.means.prices))
        )


def prober_of(
    session: Session,
    metric: Metric,
    bad: RunRelease,
    options: RunOptions,
    *,
    seed: int,
    allowance: Allowance,
) -> RunProber:
    """A prober for what a metric reads, of the eval sets that the bad release names."""
    from gatekeeper.ops.attributable import LOAD

    project = session.project
    _, record = entrant(project, bad.digest)
    named = sets_of(project, record.evaluation.sets, ())
    suites = {one.header.suite for one in named}
    wanted = set(metric.suites) & suites if metric.suites else suites - {LOAD}
    sets = tuple(one for one in named if one.header.suite in wanted)
    if not sets:
        raise UsageError(
            f"reads the suites {', '.join(metric.suites)}, of which {_called(bad)} names no set",
            where=metric.name,
            fix="name such a set under `evaluation.sets` of its manifest",
        )
    means = means_of(project)
    engines = OpenEngines(means, options)
    return RunProber(session, metric, sets, means, options, seed, allowance, engines)


def _called(release: RunRelease) -> str:
    from gatekeeper.core.canonical import short

    return f"{release.name}@sha256:{short(release.digest)}"
