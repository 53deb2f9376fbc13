"""Pairs of which one side is not known: none of them may make a bad release pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from builders_metrics import call, fate, measured, request, score
from builders_runs import BASELINE, CANDIDATE
from gatekeeper.core.decide import decide
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.core.observation import LeftOut, Sums, Times
from gatekeeper.model.policy import Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from gatekeeper.model.record import Row
    from gatekeeper.model.verdict import RuleResult

DEAR = range(95, 100)
"""Samples that cost ten times what the others do."""


def run_of(
    cost: Callable[[int], float],
    before: Callable[[int], float],
    *,
    failing: Collection[int] = (),
    lost: Collection[int] = (),
) -> list[Row]:
    """100 samples on both releases, with the samples that either fails."""
    rows: list[Row] = []
    for release, usd, bad in ((CANDIDATE, cost, failing), (BASELINE, before, lost)):
        for number in range(100):
            name, failed = f"s{number:03}", number in bad
            asked = request(name, release, status="error" if failed else "ok")
            spent = 1_000_000 * (1 + number % 7 / 100 + (release == CANDIDATE) * (number % 5) / 100)
            rows += [
                asked,
                call(asked, nano_usd=0 if failed else round(spent * usd(number))),
                *([] if failed else [fate(asked, resolved=True)]),
            ]
    return rows


def decided(tmp_path: Path, rows: list[Row], limit: float = 0.1) -> RuleResult:
    name = "usd_per_resolved_request"
    rule = Rule(name="cost.usd", section="cost", metric=name, test="max_increase", limit=limit)
    seen = measured(tmp_path, rows, BASELINE).observe(METRICS[name], paired=True)
    return decide(rule, METRICS[name], seen)


def one(_: int) -> float:
    return 1.0


def dear(number: int) -> float:
    return 10.0 if number in DEAR else 1.0


def test_a_baseline_that_fails_where_the_candidate_is_dear_hides_nothing(tmp_path: Path) -> None:
    """Without the five pairs the candidate costs 2 % more, with them at least 45 %."""
    found = decided(tmp_path / "lost", run_of(dear, one, lost=DEAR))
    assert (found.outcome, found.code, found.left_out) == ("inconclusive", "left_out", 5)
    assert found.n == 95
    assert found.n_needed is None
    assert found.high is not None
    assert found.high > 0.45
    assert "(5 more left out: the baseline failed on 5)" in found.reason
    assert found.settle == "a run in which the 5 pairs left out are measured on both sides"
    assert decided(tmp_path / "known", run_of(dear, one)).outcome != "pass"


def test_a_few_failures_of_the_baseline_on_common_samples_cost_little(tmp_path: Path) -> None:
    found = decided(tmp_path, run_of(one, one, lost={7}))
    assert (found.outcome, found.left_out, found.n) == ("pass", 1, 99)


def test_failing_on_what_is_dear_makes_no_release_cheaper(tmp_path: Path) -> None:
    """It spends 26 % less a resolved request than a baseline that answers everything."""
    found = decided(tmp_path, run_of(lambda number: 1.15 * dear(number), dear, failing=DEAR))
    assert found.estimate is not None
    assert found.estimate < -0.1
    assert (found.outcome, found.left_out) == ("inconclusive", 0)
    assert found.high is not None
    assert found.high > 0.15


def test_a_release_that_is_broken_on_what_was_compared_still_fails(tmp_path: Path) -> None:
    assert decided(tmp_path, run_of(lambda _: 2.0, one, lost={3})).outcome == "fail"


def grounded(tmp_path: Path, *, silent: Collection[int]) -> RuleResult:
    """Scores of 100 samples, of which the candidate answers some with nothing to score."""
    rows: list[Row] = []
    for release in (CANDIDATE, BASELINE):
        for number in range(100):
            asked = request(f"s{number:03}", release)
            rows.append(asked)
            if release == BASELINE or number not in silent:
                value = 0.9 - number % 7 / 100 - (release == CANDIDATE) * (number % 3) / 100
                rows.append(score(asked, "lexical_support", value))
    metric = METRICS["groundedness"]
    rule = Rule(
        name="quality.grounded",
        section="quality",
        metric=metric.name,
        test="max_decrease",
        limit=0.1,
    )
    return decide(rule, metric, measured(tmp_path, rows, BASELINE).observe(metric, paired=True))


def test_scores_that_are_absent_count_as_the_worst_that_they_may_be(tmp_path: Path) -> None:
    assert grounded(tmp_path / "all", silent=()).outcome == "pass"
    assert grounded(tmp_path / "one", silent={50}).outcome == "pass"
    found = grounded(tmp_path / "ten", silent=range(10))
    assert (found.outcome, found.code, found.left_out) == ("inconclusive", "left_out", 10)
    assert "one side of 10 has nothing to measure" in found.reason
    assert found.high is not None
    assert found.high > 0.1


def test_a_request_that_only_one_side_blocks_is_left_out_of_attempts(tmp_path: Path) -> None:
    rows: list[Row] = []
    for release in (CANDIDATE, BASELINE):
        for number in range(100):
            asked = request(f"s{number:03}", release)
            blocked = release == CANDIDATE and number == 0
            again = [call(asked, attempt=1)] if number % (4 + (release == BASELINE)) == 1 else []
            rows += [asked, *([] if blocked else [call(asked), *again])]
    metric = METRICS["retry_amplification"]
    rule = Rule(
        name="reliability.r", section="r", metric=metric.name, test="max_increase", limit=0.5
    )
    seen: Any = measured(tmp_path, rows, BASELINE).observe(metric, paired=True)
    assert isinstance(seen, Sums)
    assert (seen.n, seen.left_out) == (99, LeftOut(unmeasured=1))
    found = decide(rule, metric, seen)
    assert (found.outcome, found.left_out) == ("pass", 1)


def test_times_that_are_not_known_are_the_fastest_and_the_slowest(tmp_path: Path) -> None:
    rows: list[Row] = []
    for release, latencies, bad in ((CANDIDATE, (10, 20, 30), ()), (BASELINE, (8, 16, 24), (1,))):
        for number, latency in enumerate(latencies):
            asked = {"suite": "load", "latency_us": latency, "scheduled_us": number}
            status = "error" if number in bad else "ok"
            rows.append(request(f"s{number}", release, status=status, **asked))
    found: Any = measured(tmp_path, rows, BASELINE).observe(METRICS["p95_latency"], paired=True)
    assert isinstance(found, Times)
    assert found.left_out == LeftOut(failed=1)
    assert found.candidate.tolist() == [10, 30]
    assert found.high.candidate.tolist() == found.low.candidate.tolist() == [10, 20, 30]
    assert found.high.baseline.tolist() == [8, 8, 24]
    assert found.low.baseline.tolist() == [8, 24, 24]


def test_without_gaps_there_are_no_other_ends(tmp_path: Path) -> None:
    rows = run_of(one, one)
    found = measured(tmp_path, rows, BASELINE).observe(
        METRICS["usd_per_resolved_request"], paired=True
    )
    assert isinstance(found, Sums)
    assert (found.left_out, found.high, found.low) == (LeftOut(), None, None)


@pytest.mark.parametrize("unmeasured", [False, True])
def test_pairs_of_which_none_can_be_compared_are_no_measure(
    tmp_path: Path, *, unmeasured: bool
) -> None:
    if unmeasured:
        found = grounded(tmp_path, silent=range(100))
    else:
        found = decided(tmp_path, run_of(one, one, lost=range(100)))
    assert (found.outcome, found.code) == ("error", "no_measure")
