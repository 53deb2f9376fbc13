"""What eval sets can show of rules, before anything is run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.core.policy.power import Outlook, PlannedSet, doubts, outlooks
from gatekeeper.core.statistics.pairs import power_of_pairs
from gatekeeper.model.policy import Calibration, Rule


def rule(metric: str, test: Any, limit: float | None = None, **more: Any) -> Rule:
    return Rule(
        name=f"quality.{metric}", section="q", metric=metric, test=test, limit=limit, **more
    )


def planned(suite: str, size: int, **tags: dict[str, int]) -> PlannedSet:
    return PlannedSet(suite, suite, size, frozenset({"refund"}), tags)


def only(one: Rule, *sets: PlannedSet) -> Outlook:
    (found,) = outlooks([one], METRICS, sets, frozenset({"tenant"}))
    return found


def told(one: Rule, *sets: PlannedSet) -> list[str]:
    return [doubt.text for doubt in only(one, *sets).doubts]


def test_a_maximum_that_so_few_samples_cannot_show() -> None:
    violations = rule("policy_violation_rate", "max", 0.005)
    assert told(violations, planned("safety", 404)) == [
        "it cannot pass: 404 samples without an event only exclude 0.74 %; 598 would"
    ]
    assert told(violations, planned("safety", 598)) == []
    assert only(violations, planned("safety", 404)).passes_from is None


def test_a_minimum_that_so_few_samples_cannot_show() -> None:
    (text,) = told(rule("structured_output_conformance", "min", 0.99), planned("structured", 200))
    assert text == "it cannot pass: 200 samples without a miss only exclude 1.5 %; 299 would"


def test_a_wide_tolerance_lets_through_what_it_was_meant_to_stop() -> None:
    tolerant = rule("resolved_rate", "max_decrease", 0.08, detect=0.05)
    (text,) = told(tolerant, planned("quality", 1319))
    assert text == (
        "it is meant to stop a real drop of 5 points, and lets that pass in most runs: about"
        " 77 % of them, with 1,319 pairs, if 20 % of them change"
    )
    strict = tolerant.model_copy(update={"limit": 0.02})
    assert told(strict, planned("quality", 1319)) == []


def test_a_rule_that_only_warns_where_nothing_is_shown_stops_less() -> None:
    strict = rule("resolved_rate", "max_decrease", 0.04, detect=0.05)
    assert told(strict, planned("quality", 1319)) == []
    warns = strict.model_copy(update={"on_inconclusive": "warn"})
    (text,) = told(warns, planned("quality", 1319))
    assert "lets that pass in most runs" in text
    share = rule("follow_up_ratio", "max", 0.2, detect=0.22)
    assert told(share, planned("quality", 300)) == []
    assert told(share.model_copy(update={"on_inconclusive": "warn"}), planned("quality", 300))


def test_a_rise_that_is_demanded() -> None:
    demanding = rule("resolved_rate", "min_increase", 0.02, detect=0.0)
    assert told(demanding, planned("quality", 1000)) == []
    (text,) = told(demanding.model_copy(update={"detect": 0.06}), planned("quality", 1000))
    assert "a real rise of 6 points" in text


def test_a_share_that_is_near_its_limit_passes_too_often() -> None:
    (text,) = told(rule("follow_up_ratio", "max", 0.2, detect=0.15), planned("quality", 400))
    assert text.startswith("it is meant to stop 15.0 %, and lets that pass in most runs")


def test_what_a_share_has_to_be_to_pass() -> None:
    found = only(rule("resolved_rate", "min", 0.78), planned("quality", 404))
    assert found.n == 404
    assert found.passes_from is not None
    assert 0.82 < found.passes_from < 0.84


def test_a_census_over_more_exposures_than_there_are() -> None:
    never = rule("forbidden_tool_call", "census", 0.0, exposures=750)
    (text,) = told(never, planned("safety", 404))
    assert text == "it cannot pass: it asks for 750 exposures, and there are 404"
    assert told(never, planned("safety", 750)) == []


def test_samples_of_other_suites_are_no_exposures() -> None:
    never = rule("forbidden_tool_call", "census", 0.0, exposures=300)
    found = only(never, planned("safety", 140), planned("quality", 2235))
    assert (found.n, found.at_most) == (140, False)
    (doubt,) = found.doubts
    assert doubt.text == "it cannot pass: it asks for 300 exposures, and there are 140"
    (text,) = told(never, planned("quality", 2235))
    assert text == "it cannot pass: it asks for 300 exposures, and there is none"


def test_samples_that_a_scorer_has_nothing_to_say_of_are_no_exposures() -> None:
    never = rule("tenant_boundary_test_fail", "census", 0.0, exposures=60)
    safety, quality = planned("safety", 140), planned("quality", 2235)
    found = only(
        never, replace(safety, scored={"tenant": 55, "pii": 80}), replace(quality, scored={})
    )
    assert (found.n, found.at_most) == (55, False)
    assert [one.text for one in found.doubts] == [
        "it cannot pass: it asks for 60 exposures, and there are 55"
    ]
    found = only(never, safety, quality)
    assert (found.n, found.at_most, found.doubts) == (2375, True, ())
    few = only(never, planned("safety", 40))
    assert few.doubts[0].text.endswith("and there are at most 40")


def test_a_percentile_of_too_few() -> None:
    slow = rule("p95_latency", "max", 2000.0)
    (text,) = told(slow, planned("load", 40))
    assert text == (
        "it cannot be decided: 40 samples give no bound of the 95th percentile; 59 would"
    )
    assert told(slow, planned("load", 59)) == []


def test_a_rule_that_reads_what_these_sets_do_not_have() -> None:
    (text,) = told(rule("p95_latency", "max", 2000.0), planned("quality", 400))
    assert text == "no sample of load is in these sets, so that it will be an error"


def test_the_smallest_slice_decides_how_much_can_be_shown() -> None:
    sliced = rule("resolved_rate", "min", 0.9, by="topic")
    found = only(sliced, planned("quality", 300, topic={"refund": 20, "warranty": 280}))
    assert found.n == 20
    assert "20 samples without a miss only exclude 13.9 %" in found.doubts[0].text
    lost = rule("resolved_rate", "min", 0.6, by="topics")
    (doubt,) = only(lost, planned("quality", 300, topic={"refund": 300})).doubts
    assert doubt.text.startswith("no sample has a tag 'topics'")
    assert doubt.fix == "a tag that they have (topic), or a column of requests"
    (doubt,) = only(lost, planned("quality", 300)).doubts
    assert doubt.fix.startswith("tags in the eval set's samples")
    assert told(rule("resolved_rate", "min", 0.6, by="tenant"), planned("quality", 300)) == []


def test_samples_that_must_pass_and_are_not_there() -> None:
    critical = rule("must_pass", "must_pass", samples=("refund", "topic=warranty", "vip", "topic"))
    sets = (planned("quality", 300, topic={"warranty": 10}),)
    assert told(critical, *sets) == ["no sample of these sets is called or tagged 'vip'"]
    assert doubts(outlooks([critical], METRICS, sets)) == (
        "quality.must_pass: no sample of these sets is called or tagged 'vip'",
    )


def test_evidence_that_nothing_can_attach_yet_is_told_before_it_is_an_error() -> None:
    wanted = "it will be an error: an SBOM of the release cannot be attached yet"
    assert told(rule("sbom_attached", "evidence"), planned("quality", 300)) == [wanted]


@pytest.mark.parametrize(
    "quiet",
    [
        rule("eval_set_contamination", "evidence"),
        rule("usd_per_resolved_request", "max_increase", 0.1, detect=0.05),
        rule(
            "follow_up_ratio",
            "max",
            0.001,
            calibration=Calibration(
                true_events=45, missed_events=5, true_others=90, false_events=10
            ),
        ),
    ],
)
def test_nothing_is_said_where_nothing_is_known(quiet: Rule) -> None:
    found = only(quiet, planned("quality", 300))
    assert (found.doubts, found.passes_from) == ((), None)


@given(st.integers(10, 5000), st.floats(0.01, 0.2))
def test_more_pairs_pass_a_good_release_more_often(pairs: int, limit: float) -> None:
    few, many = (power_of_pairs(n, 0.0, 0.2, limit, "below", 0.05) for n in (pairs, 2 * pairs))
    assert few <= many + 1e-12
