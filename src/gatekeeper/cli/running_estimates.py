"""Running estimates of what a policy asks about, while the records are being written."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from gatekeeper.core.measure import RELATIVE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gatekeeper.adapters.growing import GrowingTables
    from gatekeeper.model.policy import Rule
    from gatekeeper.model.run import Run
    from gatekeeper.model.verdict import RuleResult

LEAST_PAUSE: Final = 2.0
SHARE: Final = 0.02
"""Of the time that estimating may take."""


class Estimator:
    """A thread that decides the rules on what is there, again and again, and seldom if it is slow.

    It is an aid to whoever watches: what goes wrong in it ends it, and nothing else.
    """

    def __init__(self, directory: Path, run: Run, rules: Sequence[Rule]) -> None:
        self._directory = directory
        self._run = run
        self._rules = [rule for rule in rules if rule.test not in {"evidence", "all_pass"}]
        self._over = threading.Event()
        self._tables: GrowingTables | None = None
        self._results: tuple[RuleResult, ...] = ()
        self._thread = threading.Thread(target=self._work, name="estimates", daemon=True)

    @property
    def results(self) -> tuple[RuleResult, ...]:
        """The rules about which something can be said so far."""
        return self._results

    def start(self) -> None:
        """Begin, where there is a rule to estimate."""
        if self._rules:
            self._thread.start()

    def stop(self) -> None:
        """End it, whatever it is doing."""
        self._over.set()
        while self._thread.is_alive():
            if self._tables is not None:
                self._tables.interrupt()
            self._thread.join(0.05)

    def _work(self) -> None:
        with suppress(Exception):
            self._look_again_and_again()

    def _look_again_and_again(self) -> None:
        from gatekeeper.adapters.growing import GrowingTables
        from gatekeeper.core.statistics.binomial import clopper_pearson

        clopper_pearson(1, 2, 0.05)  # loads what the gate needs at the end anyway
        pause = LEAST_PAUSE
        with GrowingTables(self._directory) as self._tables:
            while not self._over.wait(pause):
                began = time.thread_time()
                if self._tables.refresh():
                    self._results = self._estimates(self._tables)
                pause = max(LEAST_PAUSE, (time.thread_time() - began) / SHARE)

    def _estimates(self, tables: GrowingTables) -> tuple[RuleResult, ...]:
        from gatekeeper.core.decide import decide
        from gatekeeper.core.metrics.catalogue import METRICS

        candidate = self._run.candidate.digest
        baseline = self._run.baseline.digest if self._run.baseline else None
        alone = tables.measurements(candidate, baseline)
        paired = tables.paired(candidate, baseline) if baseline else None
        found = []
        for rule in self._rules:
            relative = rule.test in RELATIVE
            source = paired if relative else alone
            if source is not None and rule.metric in METRICS:
                metric = METRICS[rule.metric]
                found.append(decide(rule, metric, source.observe(metric, paired=relative)))
        tables.forget()
        return tuple(one for one in found if one.estimate is not None)
