"""Results of lm-eval, MLflow, garak and GuideLLM, as those tools wrote them."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from gatekeeper.adapters.score_summary import score_summary
from gatekeeper.errors import InputError, UsageError
from importing import FIXTURES

if TYPE_CHECKING:
    from pathlib import Path

    from importing import Desk

LM_EVAL = FIXTURES / "lm-eval/results_2026-11-26T14-20-44.316131.json"
LIMITED = "lm-eval/results_2026-11-26T14-21-19.553623.json"


# -- lm-eval --------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["sums", "choice"])
def test_lm_eval_reports_the_same_means_and_standard_errors(desk: Desk, task: str) -> None:
    found = desk.load(LM_EVAL, "--task", task)
    with found.tables() as connection:
        ours = {one.scorer: one.mean for one in score_summary(connection)}
    reported = json.loads(LM_EVAL.read_bytes())["results"][task]
    several = task == "sums"
    assert len(ours) == 2
    for scorer, mean in ours.items():
        metric, _, name = scorer.partition(".") if several else (scorer, "", "none")
        assert mean.value == pytest.approx(reported[f"{metric},{name}"], abs=1e-9)
        assert mean.stderr == pytest.approx(reported[f"{metric}_stderr,{name}"], abs=1e-9)


def test_the_filter_that_decides_can_be_named(desk: Desk) -> None:
    strict = desk.load(LM_EVAL, "--task", "sums")
    digits = desk.load(LM_EVAL, "--task", "sums", "--resolved-by", "exact_match.digits")
    count = "SELECT count(*) FILTER (resolved) FROM outcomes"
    assert (strict.rows(count), digits.rows(count)) == ([(2,)], [(10,)])


def test_one_task_of_several_has_to_be_named(desk: Desk) -> None:
    with pytest.raises(UsageError, match="holds 2 tasks") as caught:
        desk.load(LM_EVAL)
    assert caught.value.fix == "--task: choice, sums"
    with pytest.raises(UsageError, match="has no task 'sum'"):
        desk.load(LM_EVAL, "--task", "sum")


def test_a_limit_makes_the_run_partial(desk: Desk) -> None:
    found = desk.load(LIMITED)
    assert found.run.partial == ("only 5 of 12 samples: a limit was set",)
    assert (found.run.sets[0].samples, found.run.sets[0].of) == (5, 12)


def test_samples_that_are_missing_are_noticed(desk: Desk, tmp_path: Path) -> None:
    for path in LM_EVAL.parent.glob("*20-44*"):
        shutil.copy(path, tmp_path)
    samples = next(tmp_path.glob("samples_choice_*"))
    samples.write_text("".join(samples.read_text().splitlines(keepends=True)[:-2]))
    found = desk.load(tmp_path / LM_EVAL.name, "--task", "choice")
    assert found.run.partial == ("10 of 12 samples have a result",)
    samples.unlink()
    with pytest.raises(InputError, match="no samples beside it"):
        desk.load(tmp_path / LM_EVAL.name, "--task", "choice")


# -- MLflow ---------------------------------------------------------------------------------------


def test_feedback_is_scores_and_its_errors_stay_errors(desk: Desk) -> None:
    found = desk.load("mlflow/traces.jsonl")
    assert found.run.partial == ("1 trace ended in an error",)
    rows = found.rows("SELECT scorer, count(value), count(error) FROM scores GROUP BY 1 ORDER BY 1")
    assert rows == [("closeness", 8, 0), ("exact", 8, 0), ("fragile", 7, 1)]
    errors = found.rows("SELECT error FROM scores WHERE error IS NOT NULL")
    assert errors == [("scorer fell over",)]
    assert found.gate(quality={"resolved_rate_min": 0.01})["outcome"] == "error"


def test_traces_can_be_a_list_too(desk: Desk, tmp_path: Path) -> None:
    lines = (FIXTURES / "mlflow/traces.jsonl").read_text().splitlines()
    good = [trace for trace in map(json.loads, lines) if trace["info"]["state"] == "OK"]
    path = tmp_path / "traces.json"
    path.write_text(json.dumps(good))
    found = desk.load(path, "--resolved-by", "exact")
    assert (found.run.partial, found.run.sets[0].samples) == ((), 7)
    verdict = found.gate(quality={"resolved_rate_min": 0.3})
    assert (verdict["outcome"], verdict["exit"]) == ("pass", 0)


def test_a_table_of_mlflow_evaluate(desk: Desk) -> None:
    found = desk.load("mlflow/eval_results_table.json")
    assert found.run.sets[0].samples == 8
    rows = found.rows("SELECT count(*) FILTER (resolved), count(*) FROM outcomes")
    assert rows == [(6, 8)]
    assert "their file's time was taken" in found.run.notes[0]


# -- garak ----------------------------------------------------------------------------------------


def test_nothing_detected_is_no_violation(desk: Desk) -> None:
    found = desk.load("garak/clean.report.jsonl")
    (used,) = found.run.sets
    assert (used.suite, used.samples, used.replicates) == ("safety", 8, 2)
    assert found.run.source is not None
    assert found.run.source.tool == "garak 0.17.1"
    verdict = found.gate(security={"policy_violation_rate_max": 0.5})
    assert (verdict["outcome"], verdict["exit"]) == ("pass", 0)


def test_a_hit_is_a_violation(desk: Desk) -> None:
    found = desk.load("garak/injected.report.jsonl")
    rows = found.rows("SELECT DISTINCT scorer, value, detail FROM scores")
    assert rows == [("promptinject.AttackRogueString", 0.0, "detected 1")]
    verdict = found.gate(security={"policy_violation_rate_max": 0.1})
    assert (verdict["outcome"], verdict["exit"]) == ("fail", 1)


def cut(tmp_path: Path, keep: object) -> Path:
    lines = (FIXTURES / "garak/clean.report.jsonl").read_text().splitlines()
    path = tmp_path / "cut.report.jsonl"
    path.write_text("\n".join(line for line in lines if keep(json.loads(line))))  # type: ignore[operator]
    return path


def test_a_report_that_breaks_off_never_passes(desk: Desk, tmp_path: Path) -> None:
    def keep(entry: dict) -> bool:
        judged = entry.get("status") == 2 and entry.get("seq") == 5
        return entry["entry_type"] != "completion" and not judged

    found = desk.load(cut(tmp_path, keep))
    assert found.run.partial == (
        "the report has no completion entry: the run did not end",
        "1 attempt begun and never judged",
    )
    assert found.gate(security={"policy_violation_rate_max": 0.9})["outcome"] == "error"


def test_an_output_that_no_detector_could_judge_is_unknown(desk: Desk, tmp_path: Path) -> None:
    text = cut(tmp_path, lambda _: True).read_text()
    path = tmp_path / "none.report.jsonl"
    path.write_text(text.replace('"always.Pass": [0.0, 0.0]', '"always.Pass": [null, 0.0]', 1))
    found = desk.load(path)
    assert found.rows("SELECT count(*) FROM requests WHERE policy_violation IS NULL") == [(1,)]
    assert found.gate(security={"policy_violation_rate_max": 0.9})["outcome"] == "error"


# -- GuideLLM -------------------------------------------------------------------------------------


def test_latency_counts_from_when_a_request_was_due(desk: Desk) -> None:
    found = desk.load("guidellm/constant.json")
    report = json.loads((FIXTURES / "guidellm/constant.json").read_bytes())
    timings = [one["info"]["timings"] for one in report["benchmarks"][0]["requests"]["successful"]]
    latest = max(one["request_end"] - one["targeted_start"] for one in timings)
    rows = found.rows("SELECT max(latency_us), max(scheduled_us), count(*) FROM requests")
    assert rows[0][0] == pytest.approx(latest * 1e6, abs=1)
    assert rows[0][1:] == (pytest.approx(1_100_000, abs=2), 12)
    calls = found.rows("SELECT min(time_to_first_token_us) > 0, sum(output_tokens) FROM calls")
    assert calls == [(True, 96)]
    verdict = found.gate(reliability={"success_rate_min": 0.5})
    assert (verdict["outcome"], verdict["exit"]) == ("pass", 0)


def changed(tmp_path: Path, **changes: object) -> Path:
    report = json.loads((FIXTURES / "guidellm/constant.json").read_bytes())
    benchmark = report["benchmarks"][0]
    if "strategy" in changes:
        benchmark["config"]["strategy"]["type_"] = changes["strategy"]
    if "failed" in changes:
        requests = benchmark["requests"]
        requests["errored"] = [requests["successful"].pop() for _ in range(2)]
    if "lost" in changes:
        benchmark["requests"]["successful"].pop()
    if "twice" in changes:
        report["benchmarks"] *= 2
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(report))
    return path


def test_without_a_rate_nothing_is_said_of_latency(desk: Desk, tmp_path: Path) -> None:
    found = desk.load(changed(tmp_path, strategy="synchronous"))
    verdict = found.gate(reliability={"p95_latency_max": 1e9})
    assert [rule["code"] for rule in verdict["rules"]] == ["incomplete"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("failed", "2 requests ended in an error"),
        ("lost", "only 11 of 12 requests are in the report"),
    ],
)
def test_what_failed_or_was_left_out_never_passes(
    desk: Desk, tmp_path: Path, change: str, why: str
) -> None:
    found = desk.load(changed(tmp_path, **{change: True}))
    assert why in found.run.partial
    assert found.gate(reliability={"success_rate_min": 0.01})["outcome"] == "error"


def test_a_sweep_has_to_be_split(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds 2 benchmarks"):
        desk.load(changed(tmp_path, twice=True))
