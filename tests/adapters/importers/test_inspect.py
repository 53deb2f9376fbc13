"""Logs that Inspect wrote: its own accuracy and standard errors, and what must never pass."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
import zstandard

from gatekeeper.adapters.importers.archive import Archive
from gatekeeper.adapters.score_summary import score_summary
from importing import FIXTURES

if TYPE_CHECKING:
    from pathlib import Path

    from importing import Desk

ARITHMETIC = FIXTURES / "inspect/arithmetic.eval"
QUALITY = {"quality": {"resolved_rate_min": 0.1}}


def reported(path: Path) -> dict[str, dict[str, float]]:
    """What Inspect says of each score: its metrics by name and cluster."""
    if path.suffix == ".eval":
        log = Archive(path).document("header.json")
    else:
        log = json.loads(path.read_bytes())
    return {
        score["name"]: {
            metric["name"] + (":clustered" if metric["params"].get("cluster") else ""): metric[
                "value"
            ]
            for metric in score["metrics"].values()
        }
        for score in log["results"]["scores"]
    }


def test_metadata_of_a_sample_are_its_tags(desk: Desk) -> None:
    found = desk.load(ARITHMETIC)
    with found.tables() as connection:
        tags = connection.execute("SELECT DISTINCT tags FROM requests ORDER BY ALL").fetchall()
    assert len(tags) == 12
    assert (["hard=1", "topic=b"],) in tags


@pytest.mark.parametrize("name", ["arithmetic.eval", "short.json"])
def test_accuracy_and_standard_error_are_those_that_inspect_reports(desk: Desk, name: str) -> None:
    found = desk.load(f"inspect/{name}", "--cluster", "topic")
    with found.tables() as connection:
        ours = {one.scorer: one.mean for one in score_summary(connection)}
    theirs = reported(FIXTURES / "inspect" / name)
    compared = 0
    for score, metrics in theirs.items():
        mean = ours[score] if score in ours else ours[f"parts.{score}"]
        values = {
            "accuracy": mean.value,
            "mean": mean.value,
            "stderr": mean.stderr,
            "stderr:clustered": mean.clustered_stderr,
        }
        for metric, value in metrics.items():
            assert values[metric] == pytest.approx(value, abs=1e-9), (score, metric)
            compared += 1
    assert compared == {"arithmetic.eval": 9, "short.json": 5}[name]


def test_epochs_are_replicates_and_letters_have_their_worth(desk: Desk) -> None:
    found = desk.load("inspect/arithmetic.eval")
    (used,) = found.run.sets
    assert (used.name, used.samples, used.replicates) == ("arithmetic", 12, 2)
    assert found.run.source is not None
    assert found.run.source.tool == "inspect 0.3.285"
    worth = found.rows(
        "SELECT DISTINCT sample_id, value FROM scores JOIN requests USING (request_id) "
        "WHERE scorer = 'graded' AND sample_id IN ('q1', 'q2', 'q3', 'q4') ORDER BY ALL"
    )
    assert worth == [("q1", 0.0), ("q2", 0.5), ("q3", 0.0), ("q4", 1.0)]


def test_a_sound_log_can_pass(desk: Desk) -> None:
    found = desk.load("inspect/arithmetic.eval", "--resolved-by", "exactly")
    verdict = found.gate(**QUALITY)
    assert (verdict["outcome"], verdict["exit"]) == ("pass", 0)
    assert verdict["source"]["tool"] == "inspect 0.3.285"


def test_what_inspect_does_not_say_is_no_metric(desk: Desk) -> None:
    found = desk.load("inspect/arithmetic.eval")
    verdict = found.gate(
        quality={"follow_up_ratio_max": 0.99, "false_refusal_rate_max": 0.99},
        cost={"usd_per_resolved_request_max": 100, "budget_breach_rate_max": 0.99},
        reliability={"retry_amplification_max": 100},
        security={"forbidden_tool_call": 0},
    )
    assert {rule["outcome"] for rule in verdict["rules"]} == {"error"}
    assert verdict["exit"] == 3


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("crashes", "1 sample ended in an error"),
        ("stops", "the log's status is error: RuntimeError('scorer fell over')"),
        ("limit", "only 3 of 12 samples: the limit was 3"),
        ("allcrash", "4 samples ended in an error"),
    ],
)
def test_what_inspect_did_not_finish_never_passes(desk: Desk, name: str, why: str) -> None:
    found = desk.load(f"inspect/{name}.eval")
    assert why in found.run.partial
    verdict = found.gate(quality={"resolved_rate_min": 0.01})
    assert verdict["outcome"] in {"error", "fail"}
    assert why in verdict["rules"][0]["reason"]


def test_a_run_whose_every_sample_crashed_is_an_error_that_says_so(desk: Desk) -> None:
    verdict = desk.load("inspect/allcrash.eval").gate(quality={"resolved_rate_min": 0.99})
    assert (verdict["outcome"], verdict["exit"]) == ("error", 3)
    rule = next(rule for rule in verdict["rules"] if rule["section"] == "quality")
    assert rule["code"] == "all_errors"
    assert rule["reason"] == (
        "all 4 requests ended in an error, most often: RuntimeError('scorer fell over')"
    )


def test_a_crashed_scorer_is_an_error_of_its_score(desk: Desk) -> None:
    found = desk.load("inspect/crashes.eval")
    rows = found.rows("SELECT value, error FROM scores WHERE error IS NOT NULL")
    assert rows == [(None, "RuntimeError('scorer fell over')")]


def change(path: Path, target: Path, name: str, edit: Any) -> Path:
    """The archive with one member edited, or left out where `edit` gives None."""
    source = Archive(path)
    with zipfile.ZipFile(target, "w") as archive:
        for member in source.names:
            content = source.document(member)
            if member == name:
                content = edit(content)
            if content is not None:
                archive.writestr(member, json.dumps(content))
    return target


def test_samples_that_are_missing_are_noticed(desk: Desk, tmp_path: Path) -> None:
    path = change(ARITHMETIC, tmp_path / "a.eval", "samples/q3_epoch_2.json", lambda _: None)
    verdict = desk.load(path).gate(**QUALITY)
    assert verdict["exit"] != 0
    assert "23 of 24 samples" in verdict["rules"][0]["reason"]


def test_a_log_without_an_end_is_of_a_run_that_did_not_end(desk: Desk, tmp_path: Path) -> None:
    path = change(ARITHMETIC, tmp_path / "a.eval", "header.json", lambda _: None)
    found = desk.load(path)
    assert "the log's status is started" in found.run.partial


def test_a_score_that_is_no_number_is_an_error(desk: Desk, tmp_path: Path) -> None:
    def spoil(sample: dict[str, Any]) -> dict[str, Any]:
        sample["scores"]["closeness"]["value"] = float("nan")
        sample["scores"]["exactly"]["value"] = "X"
        return sample

    path = change(ARITHMETIC, tmp_path / "a.eval", "samples/q3_epoch_2.json", spoil)
    found = desk.load(path)
    errors = found.rows("SELECT scorer, error FROM scores WHERE error IS NOT NULL ORDER BY ALL")
    assert errors == [("closeness", "nan is no score"), ("exactly", "'X' is no score")]
    assert found.gate(**QUALITY)["outcome"] == "error"


def test_the_members_are_compressed_with_zstandard() -> None:
    with zipfile.ZipFile(ARITHMETIC) as archive:
        assert {member.compress_type for member in archive.infolist()} == {93}
    assert zstandard.backend
