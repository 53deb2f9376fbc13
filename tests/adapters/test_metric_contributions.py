"""The samples that are named first where a rule fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builders_metrics import call, fate, measured, request, score
from builders_runs import BASELINE, CANDIDATE
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.model.verdict import Contribution

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.model.record import Row


def test_of_a_share_those_that_fail_or_got_worse(tmp_path: Path) -> None:
    rows: list[Row] = []
    told = {"a": (True, True), "b": (False, True), "c": (False, False), "d": (True, False)}
    for sample, (new, old) in told.items():
        for release, resolved in ((CANDIDATE, new), (BASELINE, old)):
            asked = request(sample, release)
            rows += [asked, fate(asked, resolved=resolved)]
    run, metric = measured(tmp_path, rows, BASELINE), METRICS["resolved_rate"]
    assert run.contributions(metric, paired=False) == (
        Contribution(sample="b", suite="quality", candidate=0.0, share=0.5, request="c:b:0:0"),
        Contribution(sample="c", suite="quality", candidate=0.0, share=0.5, request="c:c:0:0"),
    )
    assert run.contributions(metric, paired=True) == (
        Contribution(
            sample="b", suite="quality", candidate=0.0, baseline=1.0, share=1.0, request="c:b:0:0"
        ),
    )
    assert len(run.contributions(metric, paired=False, limit=1)) == 1


def test_of_replicates_the_first_that_fails_is_shown(tmp_path: Path) -> None:
    asked = [request("a", replicate=number) for number in range(3)]
    asked.append(request("a", replicate=1, turn=1))
    told = [fate(one, resolved=one.replicate == 0) for one in asked[:3]]
    (found,) = measured(tmp_path, [*reversed(asked), *told]).contributions(
        METRICS["resolved_rate"], paired=False
    )
    assert found.candidate == 0.3333333333
    assert (found.share, found.request) == (1.0, "c:a:1:0")


def test_of_a_ratio_those_above_the_rate_of_all(tmp_path: Path) -> None:
    rows: list[Row] = []
    costs = {"a": (100, 100), "b": (900, 100), "c": (300, 100), "d": (10, 400)}
    for sample, (new, old) in costs.items():
        for release, nano_usd in ((CANDIDATE, new), (BASELINE, old)):
            asked = request(sample, release)
            rows += [asked, fate(asked, resolved=True), call(asked, nano_usd=nano_usd)]
    run, metric = measured(tmp_path, rows, BASELINE), METRICS["usd_per_resolved_request"]
    (alone,) = run.contributions(metric, paired=False)
    assert (alone.sample, alone.candidate, alone.share) == ("b", 9e-7, 1.0)
    dearer = run.contributions(metric, paired=True)
    assert [(one.sample, one.candidate, one.baseline, one.share) for one in dearer] == [
        ("b", 9e-7, 1e-7, 0.8),
        ("c", 3e-7, 1e-7, 0.2),
    ]


def test_who_costs_and_brings_nothing_comes_first(tmp_path: Path) -> None:
    asked = [request(name) for name in "abc"]
    rows = [*asked, *(call(one) for one in asked)]
    rows += [fate(one, resolved=one.sample_id != "c") for one in asked]
    (found,) = measured(tmp_path, rows).contributions(
        METRICS["usd_per_resolved_request"], paired=False
    )
    assert (found.sample, found.candidate) == ("c", 1e-7)


def test_of_a_quantile_the_slowest(tmp_path: Path) -> None:
    rows = [
        request(name, suite="load", latency_us=latency, scheduled_us=1)
        for name, latency in (("a", 1000), ("b", 3000), ("c", 2000))
    ]
    found = measured(tmp_path, rows).contributions(METRICS["p95_latency"], paired=False, limit=2)
    assert [(one.sample, one.candidate, one.share) for one in found] == [
        ("b", 3.0, None),
        ("c", 2.0, None),
    ]


def test_of_a_count_those_that_were_counted(tmp_path: Path) -> None:
    rows = [
        request("a"),
        request("b", forbidden_tool_calls=3),
        request("c", forbidden_tool_calls=1),
    ]
    found = measured(tmp_path, rows).contributions(METRICS["forbidden_tool_call"], paired=False)
    assert [(one.sample, one.candidate, one.share) for one in found] == [
        ("b", 3.0, 0.75),
        ("c", 1.0, 0.25),
    ]


def test_of_a_mean_of_scores_those_below_it(tmp_path: Path) -> None:
    asked = [request(name) for name in "abc"]
    values = (0.9, 0.1, 0.2)
    rows = [
        *asked,
        *(score(one, "lexical_support", x) for one, x in zip(asked, values, strict=True)),
    ]
    found = measured(tmp_path, rows).contributions(METRICS["groundedness"], paired=False)
    assert [(one.sample, one.candidate) for one in found] == [("b", 0.1), ("c", 0.2)]


def test_facts_alone_have_no_samples(tmp_path: Path) -> None:
    run = measured(tmp_path, [request("a")])
    assert run.contributions(METRICS["instability_tax"], paired=False) == ()
