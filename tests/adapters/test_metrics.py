"""Metrics over real tables, against counts made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builders_metrics import call, fate, measured, observe, request
from builders_runs import (
    BASELINE,
    CANDIDATE,
    PRICES,
    Behaviour,
    Case,
    make_run,
)
from gatekeeper.adapters.metrics import RunMeasurements
from gatekeeper.adapters.tables import open_tables
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.core.observation import Census, Missing, PairedProportion, Proportion, Sums, Times
from gatekeeper.model.record import JUDGE, ScoreRow

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.model.record import Row


# -- quality --------------------------------------------------------------------------------------


def test_every_replicate_is_a_trial_and_its_sample_their_cluster(tmp_path: Path) -> None:
    asked = [request("a"), request("a", replicate=1), request("b"), request("b", replicate=1)]
    told = [
        fate(asked[0], resolved=True),
        fate(asked[1], resolved=True),
        fate(asked[2], resolved=True),
        fate(asked[3], resolved=False),
    ]
    found = observe(tmp_path, "resolved_rate", [*asked, *told])
    assert found == Proportion(4, 3, clusters=Sums(2, (3, 4), ((5, 6), (6, 8))), samples=2)


def test_a_request_in_error_is_not_resolved_and_needed_a_follow_up(tmp_path: Path) -> None:
    asked = [request("a"), request("b", status="error", refused=None)]
    rows = [*asked, fate(asked[0], resolved=True)]
    assert observe(tmp_path / "1", "resolved_rate", rows) == Proportion(2, 1)
    assert observe(tmp_path / "2", "follow_up_ratio", rows) == Proportion(2, 1)


def test_the_second_turn_has_no_outcome_of_its_own(tmp_path: Path) -> None:
    first, second = request("a"), request("a", turn=1)
    rows = [first, second, fate(first, resolved=True, follow_up=True)]
    assert observe(tmp_path / "1", "resolved_rate", rows) == Proportion(1, 1)
    assert observe(tmp_path / "2", "follow_up_ratio", rows) == Proportion(1, 1)


@pytest.mark.parametrize("metric", ["resolved_rate", "follow_up_ratio", "usd_per_resolved_request"])
def test_an_outcome_that_is_not_known_is_an_error(tmp_path: Path, metric: str) -> None:
    asked = [request("a"), request("b"), request("c")]
    rows = [*asked, fate(asked[0], resolved=True), fate(asked[1], resolved=None, follow_up=None)]
    found = observe(tmp_path, metric, rows)
    assert isinstance(found, Missing)
    assert found.code == "incomplete"
    assert found.reason.startswith("2 of 3 samples lack")


def test_of_two_outcomes_the_worse_counts(tmp_path: Path) -> None:
    asked = request("a")
    assert observe(
        tmp_path, "resolved_rate", [asked, fate(asked, resolved=True), fate(asked, resolved=False)]
    ) == Proportion(1, 0)


def test_refusals_and_blocks_are_false_on_the_benign_suite_only(tmp_path: Path) -> None:
    rows = [
        request("a", suite="benign"),
        request("b", suite="benign", refused=True),
        request("c", suite="benign", status="blocked", refused=None),
        request("d", suite="benign", status="error", refused=None),
        request("e", refused=True),
    ]
    assert observe(tmp_path, "false_refusal_rate", rows) == Proportion(4, 2, unknown=1)


def test_an_unknown_refusal_is_an_error(tmp_path: Path) -> None:
    rows = [request("a", suite="benign", refused=None)]
    assert isinstance(observe(tmp_path, "false_refusal_rate", rows), Missing)


def test_conformance_counts_errors_and_refusals_against(tmp_path: Path) -> None:
    rows = [
        request("a", suite="structured", schema_valid=True),
        request("b", suite="structured", schema_valid=False),
        request("c", suite="structured", status="error"),
        request("d", suite="structured", refused=True),
        request("e", suite="structured", schema_valid=True),
        request("e", suite="structured", schema_valid=False, turn=1),
    ]
    assert observe(tmp_path / "1", "structured_output_conformance", rows) == Proportion(5, 1)
    unchecked = [*rows, request("f", suite="structured")]
    found = observe(tmp_path / "2", "structured_output_conformance", unchecked)
    assert isinstance(found, Missing)


# -- security -------------------------------------------------------------------------------------


def test_violations_and_what_may_have_been_one(tmp_path: Path) -> None:
    rows = [
        request("a", suite="safety", policy_violation=False),
        request("b", suite="safety", policy_violation=True),
        request("b", suite="safety", turn=1),
        request("c", suite="safety", status="error"),
    ]
    assert observe(tmp_path / "1", "policy_violation_rate", rows) == Proportion(3, 1, unknown=1)
    unscored = [*rows, request("d", suite="safety")]
    assert isinstance(observe(tmp_path / "2", "policy_violation_rate", unscored), Missing)


def test_forbidden_calls_count_in_every_suite_over_exposures_of_one(tmp_path: Path) -> None:
    rows = [
        request("a", suite="safety"),
        request("b", suite="safety", status="error"),
        request("c", forbidden_tool_calls=2),
        request("d"),
    ]
    assert observe(tmp_path, "forbidden_tool_call", rows) == Census(1, 2, unknown=1)


def test_scorers_count_what_they_mark_and_what_they_saw(tmp_path: Path) -> None:
    asked = [request(name, suite="safety") for name in "abcd"]
    values = [(1.0, None), (0.0, None), (None, "crashed"), (None, None)]
    scores = [
        ScoreRow(request_id=row.request_id, scorer=scorer, value=value, error=error)
        for row, (value, error) in zip(asked, values, strict=True)
        for scorer in ("tenant", "exact")
    ]
    found = measured(tmp_path, [*asked, *scores])
    tenant = METRICS["tenant_boundary_test_fail"]
    assert found.observe(tenant, paired=False) == Census(2, 1, unknown=1)
    assert found.observe(METRICS["pii_redaction_test_fail"], paired=False) == Census(0, 0)


# -- cost and reliability -------------------------------------------------------------------------


def test_costs_of_all_turns_attempts_and_errors_over_what_was_resolved(tmp_path: Path) -> None:
    asked = [
        request("a"),
        request("a", turn=1),
        request("b", status="error"),
        request("c", suite="load"),
    ]
    calls = [call(asked[0]), call(asked[1], nano_usd=50), call(asked[2], nano_usd=30)]
    calls += [call(asked[2], attempt=1, nano_usd=30), call(asked[3], nano_usd=10**6)]
    rows = [*asked, *calls, fate(asked[0], resolved=True)]
    found = observe(tmp_path / "1", "usd_per_resolved_request", rows)
    assert found == Sums(2, (210, 1), ((150**2 + 60**2, 150), (150, 1)))
    found = observe(tmp_path / "2", "tokens_per_verified_outcome", rows)
    assert isinstance(found, Sums)
    assert found.totals == (48, 1)


def test_attempts_count_over_requests_that_call_a_model(tmp_path: Path) -> None:
    asked = [request("a"), request("b"), request("c")]
    calls = [call(asked[0]), call(asked[0], attempt=1), call(asked[0], kind="tool"), call(asked[1])]
    found = observe(tmp_path, "retry_amplification", [*asked, *calls])
    assert isinstance(found, Sums)
    assert (found.n, found.totals) == (2, (3, 2))


def test_latency_reads_the_load_suite_and_errors_are_the_slowest(tmp_path: Path) -> None:
    rows = [
        request("a", suite="load", latency_us=10, scheduled_us=0),
        request("b", suite="load", latency_us=20, scheduled_us=5),
        request("c", suite="load", latency_us=1, scheduled_us=9, status="error"),
        request("d", latency_us=10**9),
    ]
    found = observe(tmp_path / "1", "p95_latency", rows)
    assert isinstance(found, Times)
    assert sorted(found.candidate) == [10, 20, 21]
    assert found.baseline is None
    undated = [*rows, request("e", suite="load")]
    assert isinstance(observe(tmp_path / "2", "p95_latency", undated), Missing)


def test_success_and_breaches_are_of_samples(tmp_path: Path) -> None:
    rows = [
        request("a"),
        request("a", turn=1, status="error"),
        request("b", status="degraded", breach_actions=("reduce_context",)),
        request("c", status="blocked", reason="budget_breach"),
        request("c", suite="load"),
    ]
    assert observe(tmp_path / "1", "success_rate", rows) == Proportion(4, 3)
    assert observe(tmp_path / "2", "budget_breach_rate", rows) == Proportion(4, 2, unknown=1)


# -- pairs ----------------------------------------------------------------------------------------


def test_pairs_are_of_the_same_sample_and_suite(tmp_path: Path) -> None:
    rows: list[Row] = []
    told = {"a": (True, True), "b": (True, False), "c": (False, True), "d": (True, False)}
    for sample, (new, old) in told.items():
        for release, resolved in ((CANDIDATE, new), (BASELINE, old)):
            asked = request(sample, release)
            rows += [asked, fate(asked, resolved=resolved)]
    found = observe(tmp_path, "resolved_rate", rows, paired=True)
    assert isinstance(found, PairedProportion)
    assert (found.candidate, found.baseline) == (Proportion(4, 3), Proportion(4, 2))
    assert found.high == found.low
    assert (found.high.candidate_only, found.high.baseline_only) == (2, 1)


def test_what_is_unknown_on_either_side_is_taken_both_ways(tmp_path: Path) -> None:
    rows: list[Row] = []
    for sample, new, old in (("a", None, False), ("b", True, None), ("c", False, False)):
        for release, violation in ((CANDIDATE, new), (BASELINE, old)):
            status = "error" if violation is None else "ok"
            rows.append(
                request(sample, release, suite="safety", status=status, policy_violation=violation)
            )
    found = observe(tmp_path, "policy_violation_rate", rows, paired=True)
    assert isinstance(found, PairedProportion)
    assert (found.high.candidate_only, found.high.baseline_only) == (2, 0)
    assert (found.low.candidate_only, found.low.baseline_only) == (0, 0)


@pytest.mark.parametrize("lacking", [CANDIDATE, BASELINE])
def test_other_samples_cannot_be_compared(tmp_path: Path, lacking: str) -> None:
    rows: list[Row] = []
    for sample in "abc":
        for release in (CANDIDATE, BASELINE):
            asked = request(sample, release)
            if (sample, release) != ("b", lacking):
                rows += [asked, fate(asked, resolved=True)]
    found = observe(tmp_path, "resolved_rate", rows, paired=True)
    assert isinstance(found, Missing)
    assert found.code == "unpaired"
    side = "candidate lacks 1 and the baseline 0"
    assert (side in found.reason) == (lacking == CANDIDATE)


def test_paired_costs_and_times(tmp_path: Path) -> None:
    rows: list[Row] = []
    for number, sample in enumerate("ab"):
        for release, factor in ((CANDIDATE, 3), (BASELINE, 2)):
            asked = request(sample, release)
            rows += [asked, fate(asked, resolved=True), call(asked, nano_usd=(number + 1) * factor)]
            due = {"suite": "load", "scheduled_us": 1, "latency_us": (number + 1) * factor}
            rows.append(request(f"load-{sample}", release, **due))
    found = measured(tmp_path, rows, BASELINE)
    sums = found.observe(METRICS["usd_per_resolved_request"], paired=True)
    assert isinstance(sums, Sums)
    assert sums.totals == (9, 2, 6, 2)
    assert sums.products[0] == (45, 9, 30, 9)
    assert sums.products[2][0] == 30
    times = found.observe(METRICS["p95_latency"], paired=True)
    assert isinstance(times, Times)
    assert times.baseline is not None
    assert sorted(zip(times.candidate, times.baseline, strict=True)) == [(3, 2), (6, 4)]


def test_an_outcome_missing_on_one_side_is_an_error(tmp_path: Path) -> None:
    asked = [request("a"), request("a", BASELINE)]
    found = observe(tmp_path, "resolved_rate", [*asked, fate(asked[0], resolved=True)], paired=True)
    assert isinstance(found, Missing)
    assert found.code == "incomplete"


# -- the whole run --------------------------------------------------------------------------------


def test_every_metric_runs_on_a_whole_run_and_on_an_empty_one(tmp_path: Path) -> None:
    run = make_run(tmp_path / "whole")
    whole = RunMeasurements(open_tables(tmp_path / "whole", run), CANDIDATE, BASELINE)
    empty = measured(tmp_path / "empty", [], BASELINE)
    for metric in METRICS.values():
        found = whole.observe(metric, paired=False)
        assert isinstance(found, Missing) == bool(metric.formulas), metric.name
        for paired in (False, True):
            empty.observe(metric, paired=paired)
    assert whole.conversations(BASELINE) == {"load": 200, "quality": 300}
    assert whole.price_books() == (PRICES,)
    assert empty.conversations(CANDIDATE) == {}
    assert empty.price_books() == ()


def test_a_request_without_a_sample_is_one_by_its_conversation(tmp_path: Path) -> None:
    first = request("a", sample_id=None, conversation="talk")
    second = request("b", sample_id=None, conversation="talk", turn=1)
    lone = request("c", sample_id=None)
    rows = [first, second, lone, fate(first, resolved=True), fate(lone, resolved=False)]
    assert observe(tmp_path, "resolved_rate", rows) == Proportion(2, 1)


def test_case_rows_are_joined_by_request(tmp_path: Path) -> None:
    case = Case(CANDIDATE, "quality", 0, Behaviour(unresolved=0, retries=0))
    found = observe(tmp_path, "usd_per_resolved_request", case.rows())
    assert isinstance(found, Sums)
    assert found.totals == (100_000 + 10_000 - 10_000, 1)


@pytest.mark.parametrize("metric", ["usd_per_resolved_request", "retry_amplification"])
def test_what_a_judge_costs_is_not_what_the_release_costs(tmp_path: Path, metric: str) -> None:
    asked = request("a")
    rows = [asked, call(asked), fate(asked, resolved=True)]
    judge = call(asked, attempt=1, tier=JUDGE, nano_usd=10**9, output_tokens=999)
    alone = observe(tmp_path / "1", metric, rows)
    assert observe(tmp_path / "2", metric, [*rows, judge]) == alone
