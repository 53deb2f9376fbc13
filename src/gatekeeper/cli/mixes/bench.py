"""Composition: mixed releases of a run's two, evaluated as the run was, kept in the cache."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gatekeeper.cli.eval_sets import contamination_of, layout_of
from gatekeeper.cli.evaluations import Evaluation
from gatekeeper.cli.mixes.reading import MixReader
from gatekeeper.cli.mixes.runs import calls_of, carried
from gatekeeper.cli.sittings import SCORERS
from gatekeeper.core.attribution.players import in_order
from gatekeeper.core.wording import listed
from gatekeeper.model.attribution import Mix, Rollback
from gatekeeper.ops.attributable import LOAD

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gatekeeper.adapters.evalsets import LoadedSet
    from gatekeeper.cli.mixes.engines import OpenEngines
    from gatekeeper.cli.mixes.runs import Allowance
    from gatekeeper.model.evalset import Suite
    from gatekeeper.model.run import Run
    from gatekeeper.model.verdict import Verdict
    from gatekeeper.ops.attribute import Taken


@dataclass(slots=True, kw_only=True)
class MixBench(MixReader):
    """Makes and evaluates the mixed releases of one run.

    Attributes:
        engines: Stay open from the first mix that asks anything.
        sets: Those of the candidate's manifest, the run's own among them.
        total: Mixes that will be evaluated, to say how far it is.
    """

    sets: tuple[LoadedSet, ...]
    allowance: Allowance
    engines: OpenEngines
    total: int = 0
    decided: dict[Taken, tuple[Path, Run]] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the attribution should know of how it was made."""
        found = [f"part of a run: {why}" for why in self.run.partial]
        if self.runs and not self._remembered():
            found.append(
                "what answered was no engine in this process: the baseline was asked again beside "
                "each mix, and what all of a session shares is left out"
            )
        return tuple(found)

    # -- evaluating it ----------------------------------------------------------------------------

    async def evaluate(self, taken: Taken, suites: Sequence[str]) -> Mix:
        """Ask a mix what the run was asked, of these suites."""
        evaluation = self.evaluation(taken, suites)
        self.session.note(f"mix {len(self.runs) + 1} of {self.total}: {self.told(taken)}")
        directory, run, earlier = await self._carried(evaluation)
        self.runs[taken] = directory, run
        asked, reused = calls_of(directory, run)
        return Mix(
            release=run.candidate,
            components=in_order(taken),
            run=run.id,
            suites=tuple(suites),
            conversations=len(evaluation.layout),
            asked=asked,
            reused=reused,
            earlier=earlier,
        )

    def evaluation(self, taken: Taken, suites: Sequence[str]) -> Evaluation:
        """What a mix is asked."""
        used = {one.name for one in self.run.sets}
        sets = tuple(
            one for one in self.sets if one.header.name in used and one.header.suite in suites
        )
        return self._evaluation(taken, sets, self._paired(sets) if taken else ())

    def _paired(self, sets: Sequence[LoadedSet]) -> tuple[Suite, ...]:
        """Suites of which the baseline is asked again, beside the mix.

        Times only mean something within a session, and an endpoint may have changed since.
        """
        return tuple(
            suite
            for suite in sorted({one.header.suite for one in sets})
            if suite in self.run.baseline_suites
            and (suite == LOAD or not self._remembered() or _compares(sets, suite))
        )

    def _remembered(self) -> bool:
        """Whether what was asked before would be answered in the same way now."""
        from gatekeeper.adapters.fleet import CACHED

        engines = (found for name, found in self.run.engines.items() if name != SCORERS)
        return {found.get("engine") for found in engines} <= CACHED

    def _evaluation(
        self,
        taken: Taken,
        sets: tuple[LoadedSet, ...],
        compared: tuple[Suite, ...],
        *,
        contamination: tuple[str, ...] = (),
    ) -> Evaluation:
        from gatekeeper.pipeline.budgets import SpendMeter

        options = self.run.options.model_copy(
            update={"sets": (), "max_usd": None, "max_tokens": None}
        )
        return Evaluation(
            project=self.session.project,
            candidate=self.entrant(taken),
            baseline=self.baseline if compared else None,
            sets=sets,
            layout=layout_of(sets, compared, options, self.run.seed),
            means=replace(self.means, spend=SpendMeter()),
            rules=self.policy.rules if self.policy else (),
            options=options,
            baseline_suites=compared,
            seed=self.run.seed,
            drift=self.run.drift,
            contamination=contamination,
            judging=self.candidate,
        )

    async def _carried(self, evaluation: Evaluation) -> tuple[Path, Run, bool]:
        """The sealed run of an evaluation, and whether it was there already."""
        return await carried(
            evaluation,
            self.allowance,
            expected=self._expected(),
            prepare=lambda: self.engines.hold(self.candidate, self.baseline),
            say=self.session.note,
            again=f"`gatekeeper attribute {self.run.id}` again goes on from there",
        )

    def _expected(self) -> dict[str, dict[str, str]]:
        """What has to serve a mix, or its answers could not be set beside those of the run."""
        served = self.run.engines
        if {"model", "serving"} & self.changed:
            return {name: told for name, told in served.items() if name == SCORERS}
        return dict(served)

    def verdict(self, directory: Path) -> Verdict:
        """What the policy says of a sealed run."""
        from gatekeeper.cli.gates import decide_stored

        assert self.policy is not None  # noqa: S101 - whoever decides has one
        return decide_stored(self.session.project, directory, self.policy)

    # -- deciding it ------------------------------------------------------------------------------

    async def decide(self, taken: Taken) -> Rollback:
        """Evaluate a mix on all that the policy reads, against the baseline, and decide it."""
        from gatekeeper.core.policy.forms import baseline_suites, suites_read

        assert self.policy is not None  # noqa: S101 - whoever decides has one
        compared = baseline_suites(self.policy.rules, self.policy.metrics)
        wanted = suites_read(self.policy.rules, self.policy.metrics)
        sets = tuple(one for one in self.sets if wanted is None or one.header.suite in wanted)
        seen = contamination_of(self.session.project, self.entrant(taken), sets)
        evaluation = self._evaluation(taken, sets, compared, contamination=seen)
        rest = listed(in_order(self.changed - taken))
        self.session.note(f"rollback: the candidate without {rest}")
        directory, run, _ = await self._carried(evaluation)
        self.decided[taken] = directory, run
        verdict = self.verdict(directory)
        return Rollback(
            components=in_order(self.changed - taken),
            release=run.candidate,
            outcome=verdict.outcome,
            run=run.id,
            rules={rule.rule: rule.outcome for rule in verdict.rules},
        )


def _compares(sets: Sequence[LoadedSet], suite: str) -> bool:
    """Whether a scorer of a suite sets the answers of both releases side by side."""
    from gatekeeper.core.scoring.judging import Pairwise

    # A scorer may be part of another one's settings.
    return any(
        Pairwise.NAME in spec.model_dump_json()
        for one in sets
        if one.header.suite == suite
        for spec in one.header.scorers or ()
    )
