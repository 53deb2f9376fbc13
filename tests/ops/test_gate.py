"""Whole verdicts on whole runs: the story's outcomes, and every way not to pass."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from builders_runs import (
    BASELINE,
    CANDIDATE,
    ENDED,
    PRICES,
    SIZES,
    Behaviour,
    describe,
    make_run,
    rows_of,
)
from gatekeeper.adapters import yaml
from gatekeeper.adapters.metrics import RunMeasurements
from gatekeeper.adapters.records import RunRecords
from gatekeeper.adapters.runs import seal
from gatekeeper.adapters.tables import open_tables
from gatekeeper.core.canonical import canonical_model
from gatekeeper.core.policy.basis import Basis
from gatekeeper.errors import InputError
from gatekeeper.model.policy import GatePolicy, ReleaseGate, ReleasePromotion
from gatekeeper.model.run import RunOptions, RunRelease, RunSource
from gatekeeper.ops.gate import decide_run
from gatekeeper.ops.policy import Policy

if TYPE_CHECKING:
    from gatekeeper.model.policy import AnyPolicy
    from gatekeeper.model.run import Run
    from gatekeeper.model.verdict import RuleResult, Verdict

FIXTURES = Path(__file__).parent.parent / "fixtures"
SOURCE = RunSource(format="inspect", digest=CANDIDATE)
TYPES: tuple[type[AnyPolicy], ...] = (GatePolicy, ReleaseGate, ReleasePromotion)


RELATIVE = {
    "apiVersion": "gatekeeper/v1",
    "kind": "GatePolicy",
    "metadata": {"name": "relative", "owner": "audit", "effective": "2026-11-01"},
    "sections": {
        "quality": {"resolved_rate_max_decrease": 0.02, "follow_up_ratio_max_increase": 0.02},
        "reliability": {"p95_latency_max_increase": 0.1},
        "cost": {"usd_per_resolved_request_max_increase": 0.1},
    },
}


def policy(name: str = "release_gate.json", **parameters: float) -> Policy:
    document = yaml.read(FIXTURES / "policies" / name, *TYPES, root=FIXTURES)
    return Policy(document.value, parameters, document.problem)


def judge(directory: Path, run: Run, applied: Policy | None = None, **changes: Any) -> Verdict:
    baseline = run.baseline.digest if run.baseline else None
    with open_tables(directory, run) as connection:
        measurements = RunMeasurements(connection, CANDIDATE, baseline)
        decided = changes.pop("decided", ENDED)
        run = run.model_copy(update=changes)
        return decide_run(run, measurements, applied or policy(), decided=decided)


def verdict(
    directory: Path,
    candidate: Behaviour | None = None,
    *,
    run: Run | None = None,
    applied: Policy | None = None,
    **changes: Any,
) -> Verdict:
    made = make_run(directory, candidate, run=run)
    return judge(directory, made, applied, **changes)


def outcomes(found: Verdict) -> dict[str, str]:
    return {rule.rule: rule.outcome for rule in found.rules}


def only_bad(found: Verdict) -> RuleResult:
    (bad,) = [rule for rule in found.rules if rule.outcome != "pass"]
    return bad


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    directory = tmp_path_factory.mktemp("good")
    return directory, make_run(directory, Behaviour(tokens=98, latency_us=20_100))


# -- the story ------------------------------------------------------------------------------------


def test_a_good_release_passes_every_rule(good: tuple[Path, Run]) -> None:
    found = judge(*good)
    assert found.outcome == "pass"
    assert set(outcomes(found).values()) == {"pass"}
    assert [rule.section for rule in found.rules] == [
        "security",
        "security",
        "quality",
        "quality",
        "reliability",
        "reliability",
        "cost",
    ]
    assert (found.release, found.baseline, found.price_book) == (CANDIDATE, BASELINE, PRICES)
    assert found.ended == ENDED


def test_better_answers_that_cost_more_fail_on_cost(tmp_path: Path) -> None:
    found = verdict(tmp_path, Behaviour(unresolved=3, tokens=150, latency_us=20_100))
    assert found.outcome == "fail"
    assert only_bad(found).rule == "cost.usd_per_resolved_request_max_increase"


def test_an_eager_guard_fails_on_false_refusals(tmp_path: Path) -> None:
    applied = Policy(ReleaseGate(release_gate={"quality": {"false_refusal_rate_max": 0.03}}))
    found = verdict(tmp_path, Behaviour(refused=60), applied=applied)
    assert (found.outcome, only_bad(found).estimate) == ("fail", 0.2)


def test_the_first_release_of_an_environment_is_compared_with_nothing(tmp_path: Path) -> None:
    found = verdict(tmp_path, run=describe(baseline=None, first_release=True))
    assert found.outcome == "pass"
    assert found.baseline is None
    assert {name for name, outcome in outcomes(found).items() if outcome == "not_applicable"} == {
        "cost.usd_per_resolved_request_max_increase",
        "reliability.p95_latency_max_increase",
    }


def test_a_missing_baseline_is_an_error_anywhere_else(tmp_path: Path) -> None:
    found = verdict(tmp_path, run=describe(baseline=None))
    assert found.outcome == "error"
    assert outcomes(found)["reliability.p95_latency_max_increase"] == "error"


def test_the_promotion_policy_names_every_piece_of_evidence_that_is_absent(
    good: tuple[Path, Run],
) -> None:
    found = judge(*good, policy("release_promotion.yaml", allowed_delta=0.05))
    assert found.outcome == "error"
    assert {name for name, outcome in outcomes(found).items() if outcome == "error"} == {
        "supply_chain.dataset_lineage_present",
        "supply_chain.sbom_attached",
        "supply_chain.provenance_attestation_present",
        "supply_chain.unresolved_high_severity_findings",
    }
    assert outcomes(found)["quality.offline_eval_pass"] == "pass"
    assert outcomes(found)["safety.safety_eval_pass"] == "pass"
    assert found.parameters == {"allowed_delta": 0.05}


def test_a_leak_fails_its_rule_and_the_rule_about_it(tmp_path: Path) -> None:
    applied = policy("release_promotion.yaml", allowed_delta=0.05)
    found = verdict(tmp_path, Behaviour(leaks=1), applied=applied)
    assert found.outcome == "fail"
    failed = {name for name, outcome in outcomes(found).items() if outcome == "fail"}
    assert failed == {
        "security.pii_redaction_test_fail",
        "security.tenant_boundary_test_fail",
        "safety.safety_eval_pass",
    }


def test_few_samples_are_inconclusive_and_the_number_that_is_told_settles_it(
    tmp_path: Path,
) -> None:
    applied = Policy(ReleaseGate(release_gate={"quality": {"resolved_rate_min": 0.9}}))
    few = describe({"quality": 20}, baseline=None)
    found = verdict(tmp_path / "few", Behaviour(unresolved=0), run=few, applied=applied)
    assert found.outcome == "inconclusive"
    needed = only_bad(found).n_needed
    assert needed == 76
    enough = describe({"quality": needed}, baseline=None)
    again = verdict(tmp_path / "enough", Behaviour(unresolved=0), run=enough, applied=applied)
    assert again.outcome == "pass"


# -- runs that decide nothing ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "rule", "code"),
    [
        ({"status": "interrupted"}, "run.complete", "partial"),
        ({"partial": ("20 of 300 samples of quality",)}, "run.complete", "partial"),
        ({"sets": (*describe().sets, describe().sets[0])}, "run.complete", "partial"),
        ({"baseline_suites": ("quality",)}, "run.complete", "partial"),
        ({"ended": None}, "run.fresh", "undated"),
        ({"decided": ENDED + timedelta(days=31)}, "run.fresh", "stale"),
        ({"decided": ENDED - timedelta(hours=1)}, "run.fresh", "future"),
        ({"price_book": "sha256:" + "0" * 64}, "run.priced", "mispriced"),
    ],
)
def test_a_run_that_is_not_sound_never_passes(
    good: tuple[Path, Run], changes: dict[str, Any], rule: str, code: str
) -> None:
    found = judge(*good, **changes)
    assert found.outcome == "error"
    assert (found.rules[0].rule, found.rules[0].code) == (rule, code)
    assert found.rules[0].section == "run"


def test_rows_that_were_lost_are_missed(tmp_path: Path) -> None:
    run = describe()
    with RunRecords(tmp_path) as records:
        for number, rows in enumerate(rows_of(run, Behaviour(latency_us=20_100))):
            if number != 17:
                records.write(rows)
    found = judge(tmp_path, seal(tmp_path, run))
    assert found.outcome == "error"
    assert found.rules[0].reason == (
        "299 of 300 samples of suite quality were recorded for cccccccccccc"
    )


def test_calls_without_a_price_never_pass(tmp_path: Path) -> None:
    run = describe()
    with RunRecords(tmp_path) as records:
        for rows in rows_of(run, Behaviour()):
            records.write(
                row.model_copy(update={"price_book": None}) if hasattr(row, "price_book") else row
                for row in rows
            )
    found = judge(tmp_path, seal(tmp_path, run))
    assert (found.rules[0].rule, found.rules[0].code) == ("run.priced", "unpriced")


def test_a_release_is_not_its_own_baseline(tmp_path: Path) -> None:
    run = describe({"quality": 50}, baseline=RunRelease(name="desk", digest=CANDIDATE))
    found = verdict(tmp_path, run=run)
    assert found.outcome != "pass"
    assert outcomes(found)["cost.usd_per_resolved_request_max_increase"] == "error"


def test_a_run_without_samples_never_passes(tmp_path: Path) -> None:
    found = verdict(tmp_path, run=describe({}))
    assert found.outcome == "error"
    assert "pass" not in outcomes(found).values()


def test_errors_of_a_release_count_against_it(tmp_path: Path) -> None:
    found = verdict(tmp_path, Behaviour(errors={"quality": 90, "safety": 3, "load": 20}))
    told = outcomes(found)
    assert told["quality.resolved_rate_min"] == "fail"
    assert told["quality.follow_up_ratio_max"] == "fail"
    assert told["security.policy_violation_rate_max"] == "inconclusive"
    assert told["security.forbidden_tool_call"] == "inconclusive"
    assert told["reliability.p95_latency_max_increase"] == "fail"


# -- the document ---------------------------------------------------------------------------------


def test_the_same_run_gives_the_same_bytes(tmp_path: Path, good: tuple[Path, Run]) -> None:
    directory, run = good
    first = canonical_model(judge(directory, run))
    assert first == canonical_model(judge(directory, run))
    with RunRecords(tmp_path) as records:
        parts = [*rows_of(describe(), Behaviour(tokens=98, latency_us=20_100))]
        for rows in reversed(parts):
            records.write(rows)
    again = judge(tmp_path, seal(tmp_path, describe()))
    assert again.rules == judge(directory, run).rules


def test_the_document_has_the_keys_that_programs_rely_on(good: tuple[Path, Run]) -> None:
    content = judge(*good).model_dump(mode="json")
    assert {"outcome", "release", "baseline", "run", "policy", "rules", "decided"} <= set(content)
    wanted = {"rule", "outcome", "estimate", "low", "high", "limit", "n", "reason", "section"}
    for rule in content["rules"]:
        assert wanted <= set(rule)


DENIED = """\
policy: release_promotion
require: [success_rate >= 0.5]
deny_if: [{eval_set_contamination: true}]
"""


@pytest.mark.parametrize(
    ("changes", "outcome", "code"),
    [
        ({}, "pass", "shown"),
        ({"contamination": ("2 samples found in few-shot example 1",)}, "fail", "contaminated"),
        ({"source": SOURCE}, "error", "unsearched"),
    ],
)
def test_a_policy_can_deny_samples_that_the_release_has_seen(
    tmp_path: Path, good: tuple[Path, Run], changes: dict[str, Any], outcome: str, code: str
) -> None:
    (tmp_path / "policy.yaml").write_text(DENIED)
    document = yaml.read(tmp_path / "policy.yaml", *TYPES, root=tmp_path)
    found = judge(*good, Policy(document.value, {}, document.problem), **changes)
    (rule,) = [one for one in found.rules if one.metric == "eval_set_contamination"]
    assert (rule.outcome, rule.code) == (outcome, code)
    if changes.get("contamination"):
        assert "few-shot example 1" in rule.reason


def test_the_verdict_names_its_eval_sets_and_what_served(good: tuple[Path, Run]) -> None:
    engines = {"small": {"engine": "vllm", "version": "0.32.0"}, "scorers": {"judge": "x"}}
    found = judge(*good, engines=engines)
    assert found.engines == {"small": "vllm 0.32.0"}
    assert found.sets == {one.name: one.digest for one in good[1].sets}


def test_a_policy_that_is_none_is_told_before_anything_else(good: tuple[Path, Run]) -> None:
    with pytest.raises(InputError, match="the policy has no rule"):
        judge(*good, Policy(ReleaseGate(release_gate={"quality": {}})))


def test_a_run_of_a_release_against_itself_decides_nothing(tmp_path: Path) -> None:
    twin = RunRelease(name="desk", digest=CANDIDATE)
    run = make_run(tmp_path, run=describe(baseline=twin, options=RunOptions(aa=True)))
    applied = Policy(
        GatePolicy.model_validate_json(
            json.dumps({**RELATIVE, "sections": {"reliability": {"success_rate_min": 0.5}}})
        )
    )
    found = judge(tmp_path, run, applied)
    assert found.outcome == "error"
    assert "against_itself" in {one.code for one in found.rules}


# -- an outage of the baseline ---------------------------------------------------------------------


def relative_rules(directory: Path, candidate: Behaviour, baseline: Behaviour) -> dict[str, str]:
    run = make_run(directory, candidate, baseline)
    applied = Policy(GatePolicy.model_validate_json(json.dumps(RELATIVE)))
    return {one.metric: one.outcome for one in judge(directory, run, applied).rules}


@pytest.mark.parametrize("share", [0.15, 1.0])
def test_a_baseline_that_failed_makes_nothing_look_better(tmp_path: Path, share: float) -> None:
    worse = Behaviour(unresolved=40, follow_ups=60, tokens=140, latency_us=30_000)
    assert set(relative_rules(tmp_path / "up", worse, Behaviour()).values()) == {"fail"}
    down = Behaviour(errors={"quality": int(300 * share), "load": int(200 * share)})
    found = relative_rules(tmp_path / "down", worse, down)
    assert "pass" not in found.values(), found


SUCCESS = {"reliability": {"success_rate_max_decrease": 0.01}}


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        (dict(SIZES), "baseline_failed"),
        ({suite: size * 6 // 10 for suite, size in SIZES.items()}, "baseline_failed"),
        ({suite: size // 10 for suite, size in SIZES.items()}, "shown"),
    ],
)
def test_one_that_mostly_fails_is_no_baseline(
    tmp_path: Path, errors: dict[str, int], code: str
) -> None:
    described = describe(baseline_suites=tuple(SIZES))
    run = make_run(tmp_path, Behaviour(), Behaviour(errors=errors), run=described)
    content = {**RELATIVE, "sections": SUCCESS}
    applied = Policy(GatePolicy.model_validate_json(json.dumps(content)))
    (found,) = [one for one in judge(tmp_path, run, applied).rules if one.section != "run"]
    assert found.code == code
    if code == "baseline_failed":
        assert (found.outcome, found.settle) == ("error", "a run while the baseline answers")
        assert "one that mostly fails is no baseline" in found.reason


def test_a_policy_makes_its_rules_once() -> None:
    applied = policy()
    assert applied.rules is applied.rules
    assert applied.metrics is applied.metrics


def test_a_baseline_that_failed_now_and_then_is_still_a_measure(tmp_path: Path) -> None:
    better = Behaviour(unresolved=2, follow_ups=2, tokens=60, latency_us=15_000)
    found = relative_rules(tmp_path, better, Behaviour(errors={"quality": 2, "load": 2}))
    assert set(found.values()) == {"pass"}, found


def test_other_samples_than_decided_the_active_release_are_told(good: tuple[Path, Run]) -> None:
    sets = {"quality": "sha256:" + "9" * 64, "safety": good[1].sets[2].digest, "gone": CANDIDATE}
    applied = replace(policy(), before=replace(policy(), basis=Basis(sets)))
    found = judge(*good, applied)
    assert found.outcome == "pass"
    assert found.warnings == (
        "the active release was decided by the eval set gone, too; not run here",
        "the eval set quality is another than the one that decided the active release",
    )
    assert found.inputs.before is not None
    assert dict(found.inputs.before.sets) == sets


def own(*rules: dict[str, Any], **parts: Any) -> Policy:
    content = {**RELATIVE, "sections": {"quality": {"rules": rules}}, **parts}
    return Policy(GatePolicy.model_validate_json(json.dumps(content)))


@pytest.mark.parametrize(
    "rule",
    [
        {"severity": "info"},
        {"severity": "warn"},
        {"min": 0.96, "on_inconclusive": "warn"},
        {"metric": "groundedness", "on_missing": "warn"},
    ],
)
def test_where_no_rule_has_a_say_the_verdict_says_why(
    good: tuple[Path, Run], rule: dict[str, Any]
) -> None:
    found = judge(*good, own({"metric": "resolved_rate", "min": 0.5, **rule}))
    assert found.outcome == "error"
    assert (found.rules[0].rule, found.rules[0].code) == ("run.decides", "nothing_counts")
    assert [one.blocks for one in found.rules] == [True, False]


def test_an_old_run_that_only_a_later_policy_accepts_needs_an_approval(
    good: tuple[Path, Run],
) -> None:
    rule = {"metric": "resolved_rate", "min": 0.5}
    before = own(rule, defaults={"max_run_age_days": 7})
    after = replace(own(rule, defaults={"max_run_age_days": 60}), before=before)
    late = judge(*good, after, decided=ENDED + timedelta(days=8))
    assert (late.outcome, late.needs_approval) == ("pass", True)
    assert judge(*good, after, decided=ENDED + timedelta(days=6)).needs_approval is False
