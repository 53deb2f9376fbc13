"""What MLflow is told of a run."""

from __future__ import annotations

from datetime import timedelta

from builders_runs import BASELINE, CANDIDATE, ENDED, PRICES, STARTED, describe
from gatekeeper.model.run import RunSource, Spend
from gatekeeper.model.verdict import RuleResult, Verdict
from gatekeeper.ops.track import tracked

POLICY = "sha256:" + "a" * 64
DECIDED = ENDED + timedelta(minutes=1)


def rule(name: str, **changes: object) -> RuleResult:
    fields = {
        "rule": name,
        "section": "quality",
        "outcome": "pass",
        "estimate": 0.96,
        "low": 0.93,
        "high": 0.98,
        "limit": 0.9,
        "n": 300,
        "reason": "as observed",
        "code": "shown",
        "metric": "resolved_rate",
        "test": "min",
    }
    return RuleResult.model_validate(fields | changes)


def verdict(*rules: RuleResult) -> Verdict:
    return Verdict(
        outcome="fail",
        release=CANDIDATE,
        run="20261120-120000-abcdef",
        run_digest="sha256:" + "f" * 64,
        policy=POLICY,
        policy_name="desk",
        parameters={"allowed_delta": 0.02},
        rules=rules,
        decided=DECIDED,
    )


def test_every_rule_becomes_an_estimate_with_its_interval() -> None:
    told = tracked(describe(), verdict(rule("quality.resolved")))
    found = {key: value for key, value in told.metrics.items() if key.startswith("quality")}
    assert found == {
        "quality.resolved/estimate": 0.96,
        "quality.resolved/low": 0.93,
        "quality.resolved/high": 0.98,
        "quality.resolved/limit": 0.9,
        "quality.resolved/n": 300.0,
    }


def test_what_a_rule_does_not_know_is_left_out() -> None:
    unknown = {"estimate": None, "low": None, "high": None, "outcome": "error", "n": 0}
    told = tracked(describe(), verdict(rule("quality.resolved", **unknown)))
    assert [key for key in told.metrics if key.startswith("quality")] == ["quality.resolved/limit"]


def test_names_of_metrics_hold_only_what_mlflow_allows() -> None:
    told = tracked(describe(), verdict(rule("quality.a<b, c (d)")))
    assert "quality.a_b_ c _d_/estimate" in told.metrics


def test_spend_and_duration_are_metrics_too() -> None:
    told = tracked(describe(spend=Spend(nano_usd=1_500_000_000, tokens=12)), None)
    assert told.metrics == {"spend/usd": 1.5, "spend/tokens": 12.0, "duration_s": 300.0}


def test_params_are_what_decided_the_result() -> None:
    run = describe(seed=7, engines={"small": {"engine": "embedded", "version": "4.8.5"}})
    assert tracked(run, verdict()).params == {
        "release": CANDIDATE,
        "baseline": BASELINE,
        "seed": "7",
        "price_book": PRICES,
        "policy": POLICY,
        "policy.allowed_delta": "0.02",
        "engine.small.engine": "embedded",
        "engine.small.version": "4.8.5",
    }


def test_what_looks_like_a_credential_is_not_sent() -> None:
    key = "sk-" + "a1B2" * 8
    told = tracked(describe(engines={"small": {"endpoint": f"https://x/?k={key}"}}), None)
    assert key not in told.model_dump_json()
    assert told.params["engine.small.endpoint"] == "(looks like a credential: not sent)"


def test_tags_say_how_it_came_out() -> None:
    tags = tracked(describe(partial=("a limit of 10 samples",)), verdict()).tags
    assert tags["gatekeeper.outcome"] == "fail"
    assert tags["gatekeeper.partial"] == "a limit of 10 samples"
    assert tags["gatekeeper.baseline"] == BASELINE


def test_a_run_without_a_verdict_is_undecided_and_dated_by_its_end() -> None:
    source = RunSource(format="inspect", tool="inspect 0.3", digest=POLICY)
    told = tracked(describe(baseline=None, source=source), None)
    assert (told.tags["gatekeeper.outcome"], told.decided) == ("undecided", ENDED)
    assert told.tags["gatekeeper.source"] == "inspect 0.3"
    assert tracked(describe(ended=None), None).decided == STARTED


def test_the_same_run_and_verdict_make_the_same_bytes() -> None:
    one, two = (tracked(describe(), verdict(rule("quality.a"))) for _ in range(2))
    assert one.model_dump_json() == two.model_dump_json()
