"""Runs of drawn samples as Parquet tables on disk, and what the gate says of them."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.adapters.metrics import RunMeasurements
from gatekeeper.adapters.records import RunRecords
from gatekeeper.adapters.runs import seal
from gatekeeper.adapters.tables import open_tables
from gatekeeper.core.decide import decide
from gatekeeper.core.measure import RELATIVE
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.model.record import CallRow, OutcomeRow, RequestRow, ScoreRow
from gatekeeper.model.run import Run, RunRelease, RunSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gatekeeper.model.evalset import Suite
    from gatekeeper.model.policy import Rule
    from gatekeeper.model.record import Row
    from gatekeeper.model.verdict import RuleResult

RELEASES = {"candidate": "sha256:" + "c" * 64, "baseline": "sha256:" + "b" * 64}
_DIGEST = "sha256:" + "e" * 64
_MOMENT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
_MICRO = 1_000_000


@dataclass(frozen=True)
class Conversation:
    """What one release did with one sample, once.

    Attributes:
        draw: Which of several sets of samples it belongs to: the value of `tenant`.
        usd: What it cost, in thousandths.
        grounded: Score of `lexical_support`.
        correct: Scores of two scorers of right answers.
        seconds: Until the answer, of the suite `load`.
        attempts: Calls of the model.
        turns: Requests, all but the first of which only cost.
    """

    suite: Suite
    sample: int
    draw: int = 0
    release: str = "candidate"
    replicate: int = 0
    cluster: str | None = None
    resolved: bool = True
    follow_up: bool = False
    usd: float = 1.0
    grounded: float = 1.0
    correct: tuple[bool, bool] = (True, True)
    refused: bool = False
    violation: bool = False
    malformed: bool = False
    seconds: float = 1.0
    due: float = 0.0
    attempts: int = 1
    turns: int = 1
    fell_back: bool = False
    error: bool = False

    def rows(self) -> Iterator[Row]:
        """The records of all its turns."""
        name = f"{self.release}:{self.suite}:{self.draw}:{self.sample}:{self.replicate}"
        for turn in range(self.turns):
            yield self._request(f"{name}:{turn}", turn)
            for attempt in range(1, 1 + (self.attempts if turn == 0 else 1)):
                yield self._call(f"{name}:{turn}", attempt)
        if self.suite == "quality":
            yield OutcomeRow(
                request_id=f"{name}:0",
                time=0,
                source="scorer",
                resolved=self.resolved,
                follow_up=self.follow_up,
            )
            said = {
                "lexical_support": self.grounded,
                "facts": float(self.correct[0]),
                "number": float(self.correct[1]),
            }
            for scorer, value in said.items():
                yield ScoreRow(request_id=f"{name}:0", scorer=scorer, value=value)

    def _request(self, request_id: str, turn: int) -> RequestRow:
        load, checked = self.suite == "load", self.suite == "structured"
        return RequestRow(
            request_id=request_id,
            time=self.sample,
            lane="offline",
            release=RELEASES[self.release],
            tenant=f"{self.draw:03}",
            sample_id=f"{self.draw:03}:{self.sample:03}",
            set_digest=_DIGEST,
            suite=self.suite,
            cluster=f"{self.draw:03}:{self.cluster}" if self.cluster else None,
            replicate=self.replicate,
            turn=turn,
            status="error" if self.error else "ok",
            reason="timeout" if self.error else None,
            refused=self.refused,
            policy_violation=None if self.error else self.violation,
            schema_valid=not self.malformed if checked else None,
            latency_us=round(self.seconds * _MICRO),
            scheduled_us=round(self.due * _MICRO) if load else None,
            fell_back=self.fell_back,
            limited=False,
            continues=False,
        )

    def _call(self, request_id: str, attempt: int) -> CallRow:
        calls = self.attempts + self.turns - 1
        return CallRow(
            request_id=request_id,
            attempt=attempt,
            model="small",
            input_tokens=50,
            output_tokens=10,
            time_to_first_token_us=400,
            inter_token_us=6,
            latency_us=1000,
            outcome="ok",
            nano_usd=round(self.usd * 1e6 / calls),
            input_nano_usd=0,
            saved_nano_usd=0,
            price_book=_DIGEST,
        )


@contextmanager
def sealed(conversations: Iterable[Conversation]) -> Iterator[tuple[Run, RunMeasurements]]:
    """Write them as an evaluation does, seal them, and open what was sealed."""
    told = list(conversations)
    with tempfile.TemporaryDirectory() as directory:
        with RunRecords(Path(directory)) as records:
            records.write([row for one in told for row in one.rows()])
        run = seal(Path(directory), _described(told))
        with open_tables(Path(directory), run) as connection:
            yield run, RunMeasurements(connection, RELEASES["candidate"], RELEASES["baseline"])


def results_of(
    conversations: Iterable[Conversation], rules: Sequence[Rule]
) -> Iterator[tuple[Rule, RuleResult]]:
    """What every rule of a metric finds in every draw, each of which is a slice of the tables."""
    with sealed(conversations) as (_, measured):
        metrics = [METRICS[rule.metric] for rule in rules]
        measured.expect(metrics)
        for rule, metric in zip(rules, metrics, strict=True):
            seen = measured.slices(metric, "tenant", paired=rule.test in RELATIVE)
            for one in seen.values():
                yield rule, decide(rule, metric, one)


def _described(told: list[Conversation]) -> Run:
    suites = dict.fromkeys(one.suite for one in told)
    compared = {one.suite for one in told if one.release == "baseline"}
    return Run(
        id="20261120-120000-abcdef",
        status="complete",
        candidate=RunRelease(name="new", digest=RELEASES["candidate"]),
        baseline=RunRelease(name="old", digest=RELEASES["baseline"]),
        sets=tuple(_set(suite, [one for one in told if one.suite == suite]) for suite in suites),
        baseline_suites=tuple(suite for suite in suites if suite in compared),
        price_book=_DIGEST,
        started=_MOMENT,
        ended=_MOMENT,
    )


def _set(suite: Suite, told: list[Conversation]) -> RunSet:
    return RunSet(
        name=suite,
        suite=suite,
        digest=_DIGEST,
        samples=len({(one.draw, one.sample) for one in told}),
        replicates=1 + max(one.replicate for one in told),
    )
