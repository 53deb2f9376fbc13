"""Runs made of real records, with as many events of each sort as a test asks for."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gatekeeper.adapters.records import RunRecords
from gatekeeper.adapters.runs import seal, write_run
from gatekeeper.model.record import CallRow, OutcomeRow, RequestRow, ScoreRow
from gatekeeper.model.run import Run, RunRelease, RunSet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatekeeper.model.record import Row

CANDIDATE = "sha256:" + "c" * 64
BASELINE = "sha256:" + "b" * 64
PRICES = "sha256:" + "d" * 64
SET_DIGEST = "sha256:" + "e" * 64
STARTED = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ENDED = datetime(2026, 11, 20, 12, 5, tzinfo=UTC)
SIZES = {"quality": 300, "structured": 300, "safety": 750, "benign": 300, "load": 200}


@dataclass(frozen=True)
class Behaviour:
    """How a release behaves: numbers are counts of samples, spread over the suite.

    `errors` names suites. `tokens` is the mean of an answer, which costs 1,000 nano-USD a token.
    """

    unresolved: int = 12
    follow_ups: int = 20
    refused: int = 1
    violations: int = 0
    malformed: int = 0
    forbidden: int = 0
    leaks: int = 0
    retries: int = 2
    tokens: int = 100
    latency_us: int = 20_000
    errors: dict[str, int] = field(default_factory=dict)
    unscored: int = 0


@dataclass(frozen=True)
class Case:
    """One sample for one release."""

    release: str
    suite: str
    number: int
    behaviour: Behaviour
    replicate: int = 0
    name: str = ""
    size: int = 0

    def chosen(self, count: int, salt: int = 7) -> bool:
        """Whether this is one of `count` samples of its suite."""
        size = self.size or SIZES[self.suite]
        return (self.number * 31 + salt) % size < count

    @property
    def request_id(self) -> str:
        return f"{self.release[7:11]}:{self.suite}:{self.number}:{self.replicate}"

    @property
    def spread(self) -> int:
        """-10 to 10, the same for every release: hard samples are hard for all."""
        return self.number * 17 % 21 - 10

    @property
    def noise(self) -> int:
        """0 to 99 microseconds, another for each request."""
        return zlib.crc32(self.request_id.encode()) % 100

    def rows(self) -> Iterator[Row]:
        behaviour, suite = self.behaviour, self.suite
        # Every number of a suite is met once, since 31 is prime to all sizes.
        error = self.chosen(behaviour.errors.get(suite, 0), 3)
        unresolved = self.chosen(behaviour.unresolved)
        yield self._request(error=error)
        for attempt in range(1 + self.chosen(behaviour.retries, 11)):
            yield self._call(attempt)
        if suite == "quality" and not self.chosen(behaviour.unscored, 1):
            yield OutcomeRow(
                request_id=self.request_id,
                time=0,
                source="scorer",
                resolved=not (unresolved or error),
                follow_up=self.chosen(behaviour.follow_ups) or error,
            )
        if suite == "safety":
            leak = float(not self.chosen(behaviour.leaks))
            for scorer in ("pii", "tenant"):
                value = None if error else leak
                problem = "no answer" if error else None
                yield ScoreRow(
                    request_id=self.request_id, scorer=scorer, value=value, error=problem
                )

    def _request(self, *, error: bool) -> RequestRow:
        behaviour, suite = self.behaviour, self.suite
        refused = suite == "benign" and self.chosen(behaviour.refused)
        violation = suite == "safety" and self.chosen(behaviour.violations)
        known = suite == "safety" and not error
        return RequestRow(
            request_id=self.request_id,
            time=self.number,
            lane="offline",
            release=self.release,
            sample_id=self.name or f"{suite}-{self.number:05}",
            set_digest=SET_DIGEST,
            suite=suite,
            replicate=self.replicate,
            conversation=self.request_id,
            status="error" if error else "ok",
            refused=None if error else refused,
            policy_violation=violation if known else None,
            schema_valid=None
            if error or suite != "structured"
            else not self.chosen(behaviour.malformed),
            forbidden_tool_calls=int(suite == "safety" and self.chosen(behaviour.forbidden)),
            latency_us=behaviour.latency_us * (100 + self.spread) // 100 + self.noise,
            scheduled_us=self.number * 1000 if suite == "load" else None,
            tags=(f"part={self.number % 3}",),
            fell_back=False,
            limited=False,
            continues=False,
        )

    def _call(self, attempt: int) -> CallRow:
        tokens = self.behaviour.tokens * (100 + self.spread) // 100
        return CallRow(
            request_id=self.request_id,
            attempt=attempt,
            model="small",
            input_tokens=50,
            output_tokens=tokens,
            time_to_first_token_us=400,
            inter_token_us=6 + self.noise,
            latency_us=1000,
            outcome="ok",
            nano_usd=tokens * 1000 + 10_000,
            input_nano_usd=10_000,
            saved_nano_usd=0,
            price_book=PRICES,
        )


def describe(sizes: dict[str, int] | None = None, *, replicates: int = 1, **changes: object) -> Run:
    """What `run.json` says of a run of such suites."""
    sizes = SIZES if sizes is None else sizes
    run = Run(
        id="20261120-120000-abcdef",
        status="complete",
        candidate=RunRelease(name="desk", digest=CANDIDATE),
        baseline=RunRelease(name="desk", digest=BASELINE),
        sets=tuple(
            RunSet(
                name=suite,
                suite=suite,  # type: ignore[arg-type]
                digest=SET_DIGEST,
                samples=size,
                replicates=replicates,
            )
            for suite, size in sizes.items()
        ),
        baseline_suites=("quality", "load"),
        price_book=PRICES,
        started=STARTED,
        ended=ENDED,
    )
    return run.model_copy(update=changes)


def rows_of(
    run: Run, candidate: Behaviour, baseline: Behaviour | None = None
) -> Iterator[tuple[Row, ...]]:
    """The rows of a run, conversation by conversation."""
    sides = [(run.candidate.digest, candidate)]
    if run.baseline is not None:
        sides.append((run.baseline.digest, baseline or Behaviour()))
    for release, behaviour in sides:
        for used in run.sets:
            if release != run.candidate.digest and used.suite not in run.baseline_suites:
                continue
            for number in range(used.samples):
                for replicate in range(used.replicates):
                    case = Case(
                        release, used.suite, number, behaviour, replicate, size=used.samples
                    )
                    yield tuple(case.rows())


def make_run(
    directory: Path,
    candidate: Behaviour | None = None,
    baseline: Behaviour | None = None,
    run: Run | None = None,
    *,
    sealed: bool = True,
) -> Run:
    """A run on disk, written as an evaluation writes it; returns what `run.json` says."""
    run = run or describe()
    with RunRecords(directory) as records:
        for rows in rows_of(run, candidate or Behaviour(), baseline):
            records.write(rows)
    if sealed:
        return seal(directory, run)
    write_run(directory, run)
    return run
