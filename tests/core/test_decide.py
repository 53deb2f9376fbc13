"""Outcomes: only what the data show, and never a pass by omission."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.decide import decide
from gatekeeper.core.metrics.catalogue import COMPOSITES, METRICS
from gatekeeper.core.observation import (
    Census,
    Critical,
    Missing,
    PairedProportion,
    Pairs,
    Proportion,
    Sums,
    Times,
)
from gatekeeper.core.results import overall, result, worst
from gatekeeper.core.unmeasured import composite, critical, evidence, skipped
from gatekeeper.model.policy import Rule
from gatekeeper.model.verdict import Skip

if TYPE_CHECKING:
    from gatekeeper.model.verdict import RuleResult


def rule(metric: str, test: str, limit: float | None = None, **rest: Any) -> Rule:
    section = METRICS[metric].section if metric in METRICS else COMPOSITES[metric][0]
    content = {"name": f"{section}.{metric}_{test}", "section": section, "metric": metric}
    return Rule.model_validate({**content, "test": test, "limit": limit, **rest})


def outcome(metric: str, test: str, limit: float, seen: Any, **rest: Any) -> RuleResult:
    return decide(rule(metric, test, limit, **rest), METRICS[metric], seen)


def test_a_census_of_replicates_excludes_no_more_than_its_samples_do() -> None:
    again = Sums(75, (0, 750), ((0, 0), (0, 7500)))
    seen = Census(750, 0, clusters=again)
    found = outcome("forbidden_tool_call", "census", 0, seen, exposures=750)
    assert (found.outcome, found.clusters) == ("pass", 75)
    assert found.high == pytest.approx(1 - 0.05 ** (1 / 75))
    assert found.reason == "0 in 750 exposures, which excludes a rate above 3.9 %"
    one = Census(750, 0, clusters=Sums(1, (0, 750), ((0, 0), (0, 750**2))))
    found = outcome("forbidden_tool_call", "census", 0, one, exposures=750)
    assert (found.outcome, found.high) == ("pass", 1)
    assert found.reason == "0 in 750 exposures, which excludes no rate"
    nothing = Census(0, 2, clusters=Sums(0, (0, 0), ((0, 0), (0, 0))))
    assert outcome("forbidden_tool_call", "census", 0, nothing).outcome == "fail"


# -- means ----------------------------------------------------------------------------------------

MILLION = 1_000_000


def scores(candidate: list[int], baseline: list[int]) -> Sums:
    """Paired scores in millionths, as the tables hold them."""
    columns = np.array(
        [candidate, [1] * len(candidate), baseline, [1] * len(baseline)], dtype=object
    )
    products = tuple(tuple(int(x @ y) for y in columns) for x in columns)
    groups = np.array(columns.T, dtype=np.int64)
    return Sums(len(candidate), tuple(int(x.sum()) for x in columns), products, groups=groups)


@pytest.mark.parametrize(("limit", "expected"), [(0.15, "pass"), (0.05, "fail")])
def test_a_change_of_a_mean_is_in_points_of_the_score(limit: float, expected: str) -> None:
    spread = [int(i % 7 * 10_000) for i in range(200)]
    seen = scores([700_000 + one for one in spread], [800_000 + one // 2 for one in spread])
    found = outcome("groundedness", "max_decrease", limit, seen)
    assert (found.outcome, found.unit) == (expected, "points")
    assert found.estimate == pytest.approx(0.1 - 0.015, abs=1e-3)


def test_scores_that_do_not_move_are_bounded_by_how_far_scores_can() -> None:
    same = [500_000, 800_000, *([900_000] * 8)]
    few = outcome("groundedness", "max_decrease", 0.02, scores(same, same))
    assert few.outcome == "inconclusive"
    assert few.high == pytest.approx(1 - 0.05 ** (1 / 10))
    assert (
        outcome("groundedness", "max_decrease", 0.02, scores(same * 15, same * 15)).outcome
        == "pass"
    )


# -- shares ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "n", "expected"),
    [(96, 100, "pass"), (80, 100, "inconclusive"), (60, 100, "fail"), (2, 2, "inconclusive")],
)
def test_a_minimum_is_shown_broken_or_open(events: int, n: int, expected: str) -> None:
    found = outcome("resolved_rate", "min", 0.78, Proportion(n, events))
    assert found.outcome == expected
    assert found.n == n
    assert found.low is not None
    assert found.high is not None
    assert found.low < events / n <= found.high


def test_an_open_rule_says_how_many_samples_settle_it_and_where_to_look() -> None:
    found = outcome("resolved_rate", "min", 0.78, Proportion(300, 240))
    assert found.outcome == "inconclusive"
    assert found.n_needed == 6296
    assert found.settle == (
        "about 6,296 samples for a chance of 80 %, 2,662 if the truth is what was observed"
    )
    assert found.look_at.startswith("unresolved samples")
    assert found.reason == (
        "80.0 % on 300 samples, but anything from 75.8 % to 83.7 % is compatible with that; "
        "needed: at least 78.0 %"
    )


def test_nothing_in_300_does_not_show_less_than_half_a_percent() -> None:
    found = outcome("policy_violation_rate", "max", 0.005, Proportion(300, 0))
    assert found.outcome == "inconclusive"
    assert found.settle.endswith(", 598 if the truth is what was observed")
    assert outcome("policy_violation_rate", "max", 0.005, Proportion(598, 0)).outcome == "pass"


def test_an_estimate_at_its_limit_asks_for_what_tells_the_truths_around_it_apart() -> None:
    found = outcome("resolved_rate", "min", 0.78, Proportion(100, 78))
    assert found.n_needed == 4236
    assert found.settle == "about 4,236 samples for a chance of 80 %"
    exact = outcome("resolved_rate", "min", 0.78, Proportion(10_000_000, 7_800_000))
    assert exact.settle == "no sensible number of samples"


def test_what_is_unknown_counts_against() -> None:
    clean = outcome("policy_violation_rate", "max", 0.01, Proportion(600, 0))
    unsure = outcome("policy_violation_rate", "max", 0.01, Proportion(600, 0, unknown=10))
    assert (clean.outcome, unsure.outcome) == ("pass", "inconclusive")
    assert unsure.code == "unknown"
    assert unsure.settle == "the same run without the errors that leave 10 samples unknown"
    assert unsure.estimate == 0


def test_a_policy_may_ask_for_another_alpha() -> None:
    seen = Proportion(300, 245)
    assert outcome("resolved_rate", "min", 0.78, seen).outcome == "inconclusive"
    assert outcome("resolved_rate", "min", 0.78, seen, alpha=0.2).outcome == "pass"


# -- differences ----------------------------------------------------------------------------------


def paired(n: int, lost: int, gained: int, base: int) -> PairedProportion:
    pairs = Pairs(n, gained, lost)
    return PairedProportion(Proportion(n, base - lost + gained), Proportion(n, base), pairs, pairs)


def test_a_regression_is_bounded_in_points() -> None:
    seen = paired(1000, lost=4, gained=4, base=900)
    found = outcome("resolved_rate", "max_decrease", 0.02, seen)
    assert (found.outcome, found.unit, found.estimate) == ("pass", "points", 0)
    assert (found.candidate, found.baseline) == (0.9, 0.9)
    broken = outcome("resolved_rate", "max_decrease", 0.02, paired(1000, 80, 4, 900))
    assert (broken.outcome, broken.estimate) == ("fail", 0.076)
    assert broken.low is not None
    assert broken.low > 0.02
    assert broken.reason.startswith("+7.60 pt against the baseline on 1,000 pairs, at least +6.")


def test_an_improvement_is_shown_by_its_lower_bound() -> None:
    assert outcome("resolved_rate", "min_increase", 0, paired(500, 5, 40, 400)).outcome == "pass"
    found = outcome("resolved_rate", "min_increase", 0, paired(500, 18, 22, 400))
    assert found.outcome == "inconclusive"
    assert found.n_needed is not None
    assert found.settle.endswith(" if the truth is what was observed")


# -- ratios and times -----------------------------------------------------------------------------


def cost_sums(factor: float, n: int = 300) -> Sums:
    columns = [
        [round(factor * (1000 + 37 * (i % 11))) + i % 7 for i in range(n)],
        [int(i % 20 > 0) for i in range(n)],
        [1000 + 37 * (i % 11) for i in range(n)],
        [int(i % 20 > 1) for i in range(n)],
    ]
    products = tuple(
        tuple(sum(a * b for a, b in zip(x, y, strict=True)) for y in columns) for x in columns
    )
    return Sums(n, tuple(map(sum, columns)), products)


def test_a_dearer_release_fails_and_a_cheaper_one_passes() -> None:
    dear = outcome("usd_per_resolved_request", "max_increase", 0.1, cost_sums(1.5))
    assert (dear.outcome, dear.unit, dear.code) == ("fail", "relative", "limit_broken")
    assert dear.candidate is not None
    assert dear.candidate < 1e-5
    cheap = outcome("usd_per_resolved_request", "max_increase", 0.1, cost_sums(0.7))
    assert cheap.outcome == "pass"
    assert "tokens in and out" in dear.look_at
    assert cheap.look_at == ""
    saved = outcome("usd_per_resolved_request", "max_decrease", 0.1, cost_sums(0.7))
    assert saved.outcome == "fail"
    assert saved.estimate == pytest.approx(-(cheap.estimate or 0))
    assert (saved.low, saved.high) == pytest.approx((-(cheap.high or 0), -(cheap.low or 0)))


def test_the_number_for_a_change_follows_the_distance_to_the_bound() -> None:
    few = outcome("usd_per_resolved_request", "max_increase", 0.1, cost_sums(1.09, 20))
    assert few.outcome == "inconclusive"
    assert few.n_needed is not None
    assert few.n_needed > 20
    settled = cost_sums(1.09, 20 * math.ceil(few.n_needed / 20))
    found = outcome("usd_per_resolved_request", "max_increase", 0.1, settled)
    assert found.outcome != "inconclusive"


def test_an_absolute_ratio_is_told_in_its_unit() -> None:
    whole = cost_sums(1.0)
    sums = Sums(whole.n, whole.totals[:2], tuple(row[:2] for row in whole.products[:2]))
    found = outcome("usd_per_resolved_request", "max", 1e-5, sums)
    assert (found.outcome, found.unit) == ("pass", "usd")
    assert found.estimate == pytest.approx(1.25e-6, rel=0.05)
    tight = outcome("usd_per_resolved_request", "max", (found.estimate or 0) * 1.001, sums)
    assert tight.outcome == "inconclusive"
    assert tight.n_needed is not None
    assert tight.n_needed > 300


def times(factor: float, n: int = 300) -> Times:
    random = np.random.default_rng(7)
    base = random.gamma(3, 5000, n)
    candidate = base * factor * random.normal(1, 0.03, n)
    return Times(candidate.astype(np.int64), base.astype(np.int64))


def test_latency_is_compared_with_the_baseline_and_with_a_limit() -> None:
    assert outcome("p95_latency", "max_increase", 0.15, times(1.0)).outcome == "pass"
    slow = outcome("p95_latency", "max_increase", 0.15, times(1.4))
    assert (slow.outcome, slow.seed is not None) == ("fail", True)
    absolute = outcome("p95_latency", "max", 100, Times(times(1.0).candidate))
    assert (absolute.outcome, absolute.unit) == ("pass", "ms")
    assert outcome("p95_latency", "max", 5, Times(times(1.0).candidate)).outcome == "fail"


def test_too_few_times_say_how_many_are_needed_at_least() -> None:
    found = outcome("p95_latency", "max_increase", 0.15, times(1.0, 40))
    assert (found.outcome, found.code) == ("inconclusive", "too_few")
    assert (found.n_needed or 0) >= 59
    assert "on 40 pairs, which give no bounds" in found.reason


def test_a_run_too_short_for_its_queue_neither_passes_nor_fails_and_says_what_would_be_enough() -> (
    None
):
    random = np.random.default_rng(11)
    walk = np.cumsum(random.exponential(1, 1000) - random.exponential(1.1, 1000))
    waited = (1e4 * (1 + walk - np.minimum.accumulate(walk))).astype(np.int64)
    for limit in (1.0, 1e6):
        found = outcome("p95_latency", "max", limit, Times(waited))
        assert (found.outcome, found.code) == ("inconclusive", "short_run")
        assert (found.n_needed or 0) > 1000
        assert f"about {found.n_needed:,} requests, or a lower rate" in found.settle
    apart = Times(waited, random.permutation(waited))
    found = outcome("p95_latency", "max_increase", 0.25, apart)
    assert (found.outcome, found.code) == ("inconclusive", "short_run")
    assert "pairs in a row say no more than one" in found.settle


def test_one_observation_shows_nothing() -> None:
    one = Sums(1, (5, 1), ((25, 5), (5, 1)))
    found = outcome("retry_amplification", "max", 9, one)
    assert (found.outcome, found.n_needed) == ("inconclusive", 3)
    assert outcome("resolved_rate", "min", 0.01, Proportion(1, 1)).outcome == "inconclusive"


# -- what must not occur --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "expected", "code"),
    [
        (Census(750, 0), "pass", "shown"),
        (Census(750, 1), "fail", "occurred"),
        (Census(299, 0), "inconclusive", "too_few"),
        (Census(0, 0), "inconclusive", "too_few"),
        (Census(750, 0, unknown=1), "inconclusive", "unknown"),
        (Census(0, 2), "fail", "occurred"),
    ],
)
def test_a_limit_of_zero_is_a_census(seen: Census, expected: str, code: str) -> None:
    found = outcome("forbidden_tool_call", "census", 0, seen)
    assert (found.outcome, found.code) == (expected, code)
    assert found.n == seen.exposures


def test_a_census_prints_the_rate_that_it_excludes() -> None:
    found = outcome("forbidden_tool_call", "census", 0, Census(300, 0))
    assert found.reason == "0 in 300 exposures, which excludes a rate above 0.99 %"
    assert found.high == pytest.approx(0.009936, abs=1e-6)


def test_a_share_with_a_limit_of_zero_is_counted_too() -> None:
    seen = Proportion(400, 0, unknown=0)
    assert outcome("policy_violation_rate", "census", 0, seen).outcome == "pass"
    assert outcome("policy_violation_rate", "census", 0, Proportion(400, 1)).outcome == "fail"


# -- what cannot be decided -----------------------------------------------------------------------


def test_missing_data_is_an_error_that_says_what_is_missing() -> None:
    seen = Missing("incomplete", "2 of 300 samples lack it", "a complete run")
    found = outcome("resolved_rate", "min", 0.78, seen)
    assert (found.outcome, found.code, found.settle) == ("error", "incomplete", "a complete run")


def test_no_sample_is_an_error() -> None:
    empty = Sums(0, (0, 0), ((0, 0), (0, 0)))
    nothing = (Proportion(0, 0), paired(0, 0, 0, 0), empty, Times(np.array([], dtype=np.int64)))
    names = ("resolved_rate", "resolved_rate", "usd_per_resolved_request", "p95_latency")
    for name, seen in zip(names, nothing, strict=True):
        found = outcome(name, "max", 0.5, seen)
        assert (found.outcome, found.code) == ("error", "no_samples")


def test_a_ratio_without_a_value_is_an_error() -> None:
    seen = Sums(5, (100, 0), ((2000, 0), (0, 0)))
    free = Sums(5, (0, 100), ((0, 0), (0, 2000)))
    for one in (seen, free):
        found = outcome("usd_per_resolved_request", "max", 1, one)
        assert (found.code, "is made of is zero" in found.reason) == ("undefined", True)


def test_a_limit_that_many_latencies_are_exactly_at_is_not_shown_to_be_broken() -> None:
    """Where the truth is at the limit, so are its neighbours; the p-value has to say that too."""
    times = np.random.default_rng(3).permutation(np.repeat([90_000, 100_000], 300))
    found = outcome("p95_latency", "max", 100, Times(times))
    assert found.outcome == "pass"
    assert found.p_fail is not None
    assert found.p_fail > 0.5


def test_evidence_that_does_not_exist_is_an_error_that_names_it() -> None:
    content = {"name": "x.sbom_attached", "section": "x", "metric": "sbom_attached"}
    found = evidence(Rule.model_validate({**content, "test": "evidence"}))
    assert found.outcome == "error"
    assert "an SBOM of the release" in found.reason


# -- rules about rules, and the whole -------------------------------------------------------------


def results(*outcomes: str, section: str = "quality") -> list[RuleResult]:
    asked = rule("resolved_rate", "min", 0.5).model_copy(update={"section": section})
    return [
        result(asked.model_copy(update={"name": f"r{number}"}), cast("Any", one), "code", "why")
        for number, one in enumerate(outcomes)
    ]


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (("pass", "pass"), "pass"),
        (("pass", "inconclusive"), "inconclusive"),
        (("error", "inconclusive"), "error"),
        (("error", "fail"), "fail"),
        (("pass", "not_applicable"), "pass"),
        (("not_applicable",), "error"),
        ((), "error"),
    ],
)
def test_the_worst_of_a_section(outcomes: tuple[str, ...], expected: str) -> None:
    found = composite(rule("offline_eval_pass", "all_pass"), results(*outcomes))
    assert found.outcome == expected
    assert (found.look_at == "") == (expected == "pass")


def test_a_rule_about_rules_names_those_that_did_not_pass() -> None:
    found = composite(rule("safety_eval_pass", "all_pass"), results("fail", section="security"))
    assert found.reason == "1 of 1 rules of security and safety did not pass"
    assert found.look_at == "r0"


@given(st.lists(st.sampled_from(["pass", "fail", "error", "inconclusive", "not_applicable"])))
def test_a_verdict_passes_only_where_something_passes_and_nothing_else_happens(
    outcomes: list[Any],
) -> None:
    found = worst(outcomes)
    assert (found == "pass") == (set(outcomes) - {"not_applicable"} == {"pass"})


def test_a_warning_does_not_block_but_cannot_pass_alone() -> None:
    for severity in ("warn", "info"):
        asked = rule("resolved_rate", "min", 0.5, severity=severity)
        broken = result(asked, "fail", "limit_broken", "why")
        assert not broken.blocks
        assert overall([broken, *results("pass")]) == "pass"
        assert overall([broken]) == "error"


def test_a_policy_may_let_what_is_not_known_by_but_never_a_failure() -> None:
    lenient = rule("resolved_rate", "min", 0.5, on_missing="warn", on_inconclusive="warn")
    for outcome_, expected in (("error", "pass"), ("inconclusive", "pass"), ("fail", "fail")):
        found = result(lenient, cast("Any", outcome_), "code", "why")
        assert overall([found, *results("pass")]) == expected
        assert overall([found]) != "pass"


def test_a_skipped_rule_says_who_skipped_it_and_passes_nothing() -> None:
    found = skipped(rule("resolved_rate", "min", 0.5), Skip(by="ana@x", reason="known outage"))
    assert (found.outcome, found.blocks) == ("skipped", False)
    assert found.reason == "skipped by ana@x: known outage"
    assert overall([found, *results("pass")]) == "pass"
    assert overall([found]) == "error"


def test_a_failure_has_to_be_as_large_as_the_policy_says() -> None:
    seen = Proportion(20_000, 15_300)
    small = outcome("resolved_rate", "min", 0.78, seen, min_effect=0.02)
    assert (small.outcome, small.code) == ("inconclusive", "below_minimum_effect")
    assert small.reason.endswith("a failure has to be 2.0 % or more beyond that")
    assert outcome("resolved_rate", "min", 0.78, seen, min_effect=0.01).outcome == "fail"
    assert outcome("resolved_rate", "min", 0.78, seen).outcome == "fail"


def test_how_sure_it_is_comes_as_p_values_that_agree_with_the_bounds() -> None:
    for events in (96, 80, 60):
        found = outcome("resolved_rate", "min", 0.78, Proportion(100, events))
        assert found.p is not None
        assert found.p_fail is not None
        assert (found.p <= 0.05) == (found.outcome == "pass")
        assert (found.p_fail <= 0.05) == (found.outcome == "fail")
        assert found.margin == pytest.approx(events / 100 - 0.78)
        assert found.mde is not None
        assert 0 < found.mde < 0.22


def test_tied_costs_are_no_measurement() -> None:
    tied = Sums(100, (1000, 100), ((10_000, 1000), (1000, 100)), tied=True)
    found = outcome("usd_per_resolved_request", "max", 1.0, tied)
    assert (found.outcome, found.code) == ("inconclusive", "tied")
    assert "measured values" in found.settle
    attempts = Sums(400, (400, 400), ((400, 400), (400, 400)), tied=True)
    assert outcome("retry_amplification", "max", 1.25, attempts).outcome == "pass"


def test_samples_of_one_cluster_show_nothing() -> None:
    clusters = Sums(1, (490, 500), ((240_100, 245_000), (245_000, 250_000)))
    found = outcome("resolved_rate", "min", 0.78, Proportion(500, 490, clusters=clusters))
    assert (found.outcome, found.code, found.clusters) == ("inconclusive", "one_cluster", 1)


@pytest.mark.parametrize(
    ("found", "expected", "code"),
    [
        ([Critical("a", 1, (), 3), Critical("topic=x", 4, (), 12)], "pass", "shown"),
        ([Critical("a", 1, ("a",), 3)], "fail", "critical_failed"),
        ([Critical("a", 1, (), 3), Critical("b", 0, (), 0)], "error", "no_such_sample"),
    ],
)
def test_critical_samples_pass_every_time_or_the_rule_fails(
    found: list[Critical], expected: str, code: str
) -> None:
    asked = {"name": "quality.must_pass", "section": "quality", "metric": "must_pass"}
    seen = critical(Rule.model_validate({**asked, "test": "must_pass", "samples": ("a",)}), found)
    assert (seen.outcome, seen.code, seen.blocks) == (expected, code, expected != "pass")


@given(
    n=st.integers(2, 1000),
    events=st.integers(0, 1000),
    more=st.integers(1, 100),
    limit=st.sampled_from([0.005, 0.18, 0.5]),
)
def test_adding_bad_samples_never_turns_a_fail_into_anything_better(
    n: int, events: int, more: int, limit: float
) -> None:
    events = min(events, n)
    before = outcome("follow_up_ratio", "max", limit, Proportion(n, events)).outcome
    after = outcome("follow_up_ratio", "max", limit, Proportion(n + more, events + more)).outcome
    order = ["pass", "inconclusive", "fail"]
    assert order.index(after) >= order.index(before) or (before, after) == ("fail", "fail")


def test_a_judge_that_errs_is_corrected_for_and_made_less_sure() -> None:
    """A judge with sensitivity 0.9 and specificity 0.8 calls 76 of 100 right where 80 are."""
    seen = Proportion(1000, 760)
    judged = {"true_events": 180, "missed_events": 20, "true_others": 160, "false_events": 40}
    plain = outcome("correctness", "min", 0.75, seen)
    corrected = outcome("correctness", "min", 0.75, seen, calibration=judged)
    assert corrected.estimate == pytest.approx(0.8)
    assert (corrected.high or 0) - (corrected.low or 0) > (plain.high or 0) - (plain.low or 0)
    coin = {"true_events": 50, "missed_events": 50, "true_others": 50, "false_events": 50}
    nothing = outcome("correctness", "min", 0.75, seen, calibration=coin)
    assert nothing.outcome != "pass"
    assert nothing.outcome != "fail"
    better = outcome(
        "correctness", "max_decrease", 0.02, paired(1000, 30, 60, 700), calibration=judged
    )
    assert better.outcome == "pass"
