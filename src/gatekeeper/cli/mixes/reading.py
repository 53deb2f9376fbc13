"""Composition: what the runs of mixed releases show, each opened once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatekeeper.cli.mixes.releases import Mixer
from gatekeeper.core.policy.rules import MUST_PASS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gatekeeper.adapters.coalitions import Readings
    from gatekeeper.core.attribution.case import Case
    from gatekeeper.core.attribution.samples import Rows
    from gatekeeper.core.attribution.seen import Key
    from gatekeeper.core.observation import Missing
    from gatekeeper.model.evalset import Suite
    from gatekeeper.model.record import Arm
    from gatekeeper.model.run import Run
    from gatekeeper.ops.attribute import Taken
    from gatekeeper.ops.policy import Policy


@dataclass(slots=True, kw_only=True)
class MixReader(Mixer):
    """Reads the run that is asked about, and those of its mixed releases.

    Attributes:
        directory: Of the run.
        policy: Whose rules are asked about, and which decides rollbacks; None where none does.
        runs: Of mixes, once they were evaluated.
    """

    directory: Path
    run: Run
    policy: Policy | None
    runs: dict[Taken, tuple[Path, Run]] = field(default_factory=dict)
    _open: Readings | None = None

    def rows(self, case: Case, taken: Taken, suites: Sequence[str]) -> Rows | Missing:
        """What a mix shows of a rule's metric, from the run itself where that has it."""
        from gatekeeper.adapters.coalitions import joined

        if taken and taken != self.changed:
            return self._read(self.runs[taken], case, "candidate", suites)
        arm: Arm = "candidate" if taken else "baseline"
        there = [one for one in suites if taken or one in self.run.baseline_suites]
        found = self._read((self.directory, self.run), case, arm, there)
        rest = [one for one in suites if one not in there]
        if not rest or taken not in self.runs:
            return found
        return joined(found, self._read(self.runs[taken], case, "candidate", rest))

    def against(self, case: Case, taken: Taken, suites: Sequence[str]) -> Rows | Missing | None:
        """The baseline in the session of a mix, where it was asked all of these suites there."""
        if not set(suites) <= set(self.runs[taken][1].baseline_suites):
            return None
        return self._read(self.runs[taken], case, "baseline", suites)

    def _read(
        self, run: tuple[Path, Run], case: Case, arm: Arm, suites: Sequence[str]
    ) -> Rows | Missing:
        read = self._readings().of(*run)
        if case.rule.test == MUST_PASS:
            return read.critical(case.rule.samples, arm, suites)
        return read.rows(case.metric, arm, suites)

    def _readings(self) -> Readings:
        from gatekeeper.adapters.coalitions import Readings

        if self._open is None and self.policy is not None:
            known = self.policy.metrics
            read = tuple(known[one.metric] for one in self.policy.rules if one.metric in known)
            self._open = Readings(self.policy.facts, read)
        self._open = self._open or Readings()
        return self._open

    def close(self) -> None:
        """Let go of the runs that were read."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def members(self, case: Case) -> frozenset[Key] | None:
        """Conversations of the slices that a question is about; None where it is about all."""
        if case.rule.by is None or not case.slices:
            return None
        return self._readings().of(self.directory, self.run).members(case.rule.by, case.slices)

    def critical_suites(self, wanted: Sequence[str]) -> tuple[Suite, ...]:
        """Suites of the critical samples that the candidate failed, or of all of them."""
        found = set(self._readings().of(self.directory, self.run).critical_suites(wanted))
        return tuple(sorted({one.suite for one in self.run.sets if one.suite in found}))
