"""`gatekeeper attribute` on a real model: the guilty one is named; what cannot be is refused."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from attributing import (
    OTHER_ROUTE,
    WITH_CONTEXT,
    WITHOUT,
    attributed,
    content,
    evaluated,
    make_desk,
    manifest,
    release,
    told,
)

if TYPE_CHECKING:
    from pathlib import Path

DECREASE = "quality.resolved_rate_max_decrease"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A project, and its runs against v1."""
    root = make_desk(tmp_path_factory.mktemp("attributing"))
    runs = {name: evaluated(root, name, code=1) for name in ("prompt", "both")}
    return root, runs


@pytest.fixture
def root(made: tuple[Path, dict[str, str]], tmp_path: Path) -> Path:
    return shutil.copytree(made[0], tmp_path / "desk").resolve()


@pytest.fixture
def runs(made: tuple[Path, dict[str, str]]) -> dict[str, str]:
    return made[1]


def test_the_guilty_one_of_two_is_named_and_taken_back(root: Path, runs: dict[str, str]) -> None:
    before = content(root)
    found = attributed(root, runs["both"])
    assert found["changed"] == ["prompt", "router"]
    assert (found["method"], found["outcome"]) == ("exact", "fail")
    (rule,) = found["rules"]
    assert (rule["rule"], rule["code"], rule["guilty"]) == (DECREASE, "named", ["prompt"])
    guilty, innocent = rule["components"]
    assert guilty["component"] == "prompt"
    assert guilty["moved"]["high"] < 0
    assert innocent["moved"] == {"value": 0, "low": 0, "high": 0}
    total = guilty["moved"]["value"] + innocent["moved"]["value"]
    assert total == pytest.approx(rule["change"]["value"])
    assert [mix["components"] for mix in found["mixes"]] == [["prompt"], ["router"]]
    assert all(mix["asked"] == 0 and mix["reused"] >= 20 for mix in found["mixes"])
    best = found["recommended"]
    assert (best["components"], best["outcome"], best["kept"]) == (["prompt"], "pass", False)
    assert best["rules"][DECREASE] == "pass"
    assert content(root) == before
    same = release(root, "rolled-back", manifest(root, "v1"), OTHER_ROUTE)
    assert best["release"]["digest"] == same


def test_again_it_is_the_same_and_what_is_damaged_is_asked_again(
    root: Path, runs: dict[str, str]
) -> None:
    words = ("--no-advise",)
    first, second = (attributed(root, runs["both"], *words) for _ in range(2))
    assert [mix.pop("earlier") for mix in first["mixes"]] == [False, False]
    assert [mix.pop("earlier") for mix in second["mixes"]] == [True, True]
    assert first == second
    one, other = sorted((root / ".gatekeeper/cache/attribution").iterdir())
    (one / "requests.parquet").write_bytes(b"")
    (other / "run.json").write_text("{")
    second = attributed(root, runs["both"], *words)
    assert [mix["earlier"] for mix in second["mixes"]] == [False, False]
    assert second["rules"] == first["rules"]


def test_what_was_evaluated_before_needs_no_model(root: Path, runs: dict[str, str]) -> None:
    first = attributed(root, runs["both"], "--no-advise")
    shutil.rmtree(root / "models/support-desk/ct2")
    (root / ".gatekeeper/cache/responses.sqlite").unlink()
    second = attributed(root, runs["both"], "--no-advise")
    assert second["rules"] == first["rules"]


def test_mixes_that_nobody_asked_for_in_a_long_time_are_removed(
    root: Path, runs: dict[str, str]
) -> None:
    kept = root / ".gatekeeper/cache/attribution"
    attributed(root, runs["both"], "--no-advise")
    for one in kept.iterdir():
        os.utime(one, (0, 0))
    (kept / "of-old").mkdir()
    os.utime(kept / "of-old", (0, 0))
    found = attributed(root, runs["both"], "--no-advise")
    assert all(mix["earlier"] for mix in found["mixes"])
    assert len(list(kept.iterdir())) == 2
    assert not (kept / "of-old").exists()


def test_the_text_says_who_and_what_to_do(root: Path, runs: dict[str, str]) -> None:
    text = told(["attribute", runs["both"], "--project", str(root)])
    assert text.startswith("✗ FAIL  it is prompt\n")
    assert "prompt explains" in text
    assert "   → prompt " in text
    assert "take back prompt: the gate passes the candidate with router alone" in text
    assert f"gatekeeper attribute {runs['both']} --build" in text
    assert max(map(len, text.splitlines())) <= 80


def test_what_passes_can_be_stored_and_promoted(root: Path, runs: dict[str, str]) -> None:
    found = attributed(root, runs["both"], "--build")["recommended"]
    assert found["kept"]
    digest = found["release"]["digest"]
    assert (root / ".gatekeeper/runs" / found["run"]).is_dir()
    shown = told(["show", digest, "--project", str(root)])
    assert "prompt of sha256:" in shown
    told(["evaluate", "manifests/v1.yaml", "--project", str(root)])
    told(["promote", "manifests/v1.yaml", "--env", "local", "--project", str(root)])
    told(["promote", digest, "--env", "local", "--project", str(root)])


def test_one_change_is_the_answer(root: Path, runs: dict[str, str]) -> None:
    found = attributed(root, runs["prompt"])
    assert found["method"] == "one_change"
    assert found["mixes"] == found["rollbacks"] == []
    assert found["recommended"] is None
    assert found["advice"].startswith("prompt is the whole change")
    (rule,) = found["rules"]
    assert (rule["code"], rule["guilty"]) == ("only_change", ["prompt"])
    assert rule["change"]["high"] < 0
    assert not (root / ".gatekeeper/cache/attribution").exists()


def test_other_rules_are_asked_about_by_name(root: Path, runs: dict[str, str]) -> None:
    words = ("--rule", "success_rate_min", "--no-advise")
    (rule,) = attributed(root, runs["both"], *words)["rules"]
    assert rule["outcome"] == "pass"
    assert len(attributed(root, runs["prompt"], "--all")["rules"]) == 2
    said = told(["attribute", runs["prompt"], "--rule", "resolved", "--project", str(root)], 2)
    assert "no rule 'resolved' reads a metric" in said
    assert "did you mean 'resolved_rate'?" in said
    assert "quality.resolved_rate_max_decrease" in said


def test_times_are_asked_again_beside_the_baseline(root: Path, runs: dict[str, str]) -> None:
    words = ("--rule", "p95_latency", "--policy", "gates/timed.yaml", "--no-advise")
    evaluated(root, "both", "--policy", str(root / "gates/timed.yaml"), code=1)
    run = max(path.name for path in (root / ".gatekeeper/runs").iterdir())
    found = attributed(root, run, *words)
    for mix in found["mixes"]:
        assert (mix["suites"], mix["conversations"]) == (["load"], 12)
        assert (mix["asked"], mix["reused"]) == (12, 0)
    assert found["rules"][0]["samples"] == 6
    assert runs


def test_parts_that_only_go_together_are_one(root: Path) -> None:
    model = (
        "      desk:\n        role: generator\n        source: {directory: models/support-desk}\n"
    )
    release(
        root,
        "coupled",
        manifest(root, "v1"),
        (WITH_CONTEXT, WITHOUT),
        (model, model + model.replace("      desk:", "      second:")),
        ("high_capability_model: {model: desk,", "high_capability_model: {model: second,"),
        OTHER_ROUTE,
    )
    prices = root / "gates/prices.yaml"
    text = prices.read_text()
    prices.write_text(text + text[text.index("  desk:") :].replace("  desk:", "  second:"))
    run = evaluated(root, "coupled", code=1)
    found = attributed(root, run)
    (group,) = found["coupled"]
    assert group["components"] == ["model", "router"]
    assert "second" in group["reasons"][0]
    assert [mix["components"] for mix in found["mixes"]] == [["prompt"], ["model", "router"]]
    assert found["rules"][0]["guilty"] == ["prompt"]
    text = told(["attribute", run, "--project", str(root)])
    assert "model and router only go together" in text


def test_a_dry_run_says_what_would_be_asked(root: Path, runs: dict[str, str]) -> None:
    found = attributed(root, runs["both"], "--dry-run")
    assert [mix["mix"] for mix in found["mixes"]] == [
        "the baseline with prompt",
        "the baseline with router",
    ]
    assert found["requests"] == sum(mix["requests"] for mix in found["mixes"]) > 40
    assert not (root / ".gatekeeper/cache/attribution").exists()
    one = told(["attribute", runs["prompt"], "--dry-run", "--project", str(root)])
    assert one == "One component changed: no mixed release has to be evaluated.\n"


def test_a_ceiling_ends_it_and_it_goes_on(root: Path, runs: dict[str, str]) -> None:
    (root / ".gatekeeper/cache/responses.sqlite").unlink()
    before = content(root)
    words = ["attribute", runs["both"], "--no-advise", "--project", str(root)]
    said = told([*words, "--max-tokens", "900"], 3)
    assert "raise --max-usd or --max-tokens" in said
    assert f"`gatekeeper attribute {runs['both']}` again" in said
    assert content(root) == before
    assert "it is prompt" in told(words)


def test_part_of_a_run_names_but_recommends_nothing(root: Path) -> None:
    run = evaluated(root, "both", "--limit", "18", code=1)
    found = attributed(root, run)
    assert found["rules"][0]["samples"] == 18
    assert found["recommended"] is None
    assert found["rollbacks"] == []
    assert found["advice"].startswith("part of a run recommends nothing")
    assert found["notes"] == ["part of a run: --limit 18: not every sample was asked"]


# -- what cannot be asked --------------------------------------------------------------------------


def refused(root: Path, run: str, code: int, *words: str) -> str:
    return told(["attribute", run, *words, "--project", str(root)], code)


def test_where_nothing_changed_there_is_nobody(root: Path) -> None:
    release(root, "renamed", manifest(root, "v1"), ("name: support-desk", "name: other-desk"))
    run = evaluated(root, "renamed")
    assert "the same components" in refused(root, run, 3)


def test_a_run_without_baseline_compares_nothing(root: Path) -> None:
    words = ["evaluate", "manifests/v1.yaml", "--project", str(root), "-o", "json"]
    run = json.loads(told(words))["run"]
    assert "the run has no baseline" in refused(root, run, 3)


def test_a_run_that_passes_has_nobody_to_blame(root: Path) -> None:
    run = evaluated(root, "router")
    assert "every rule that reads a metric passes" in refused(root, run, 3)
    found = attributed(root, run, "--all")
    assert found["advice"] == "the run passes: nothing has to be taken back"


def test_an_imported_run_cannot_be_asked_again(root: Path, runs: dict[str, str]) -> None:
    away = root / "away.jsonl"
    told(["runs", "export", runs["prompt"], "--to", str(away), "--project", str(root)])
    document = json.loads(
        told(
            [
                "runs",
                "import",
                str(away),
                "--release",
                "manifests/prompt.yaml",
                "--baseline",
                "manifests/v1.yaml",
                "--project",
                str(root),
                "-o",
                "json",
            ]
        )
    )
    assert "was imported from" in refused(root, document["run"], 2)


def test_changed_samples_and_prices_are_refused(root: Path, runs: dict[str, str]) -> None:
    file = root / "eval_sets/quality.jsonl"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[1:]))
    prices = root / "gates/prices.yaml"
    prices.write_text(prices.read_text().replace("0.8", "0.9"))
    said = refused(root, runs["both"], 2)
    assert "the eval set support-desk-quality, the price book changed since" in said


def test_an_unfinished_run_explains_nothing(root: Path) -> None:
    told(
        ["evaluate", "manifests/prompt.yaml", "--baseline", "manifests/v1.yaml", "--no-cache",
         "--max-tokens", "900", "--project", str(root)], 3,
    )  # fmt: skip
    run = max(path.name for path in (root / ".gatekeeper/runs").iterdir())
    said = refused(root, run, 3)
    assert f"gatekeeper evaluate --resume {run}" in said


def test_killed_in_the_middle_it_leaves_the_project_as_it_was(
    root: Path, runs: dict[str, str]
) -> None:
    (root / ".gatekeeper/cache/responses.sqlite").unlink()
    before = content(root)
    words = ["attribute", runs["both"], "--project", str(root)]
    process = subprocess.Popen(
        [sys.executable, "-m", "gatekeeper", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    kept = root / ".gatekeeper/cache/attribution"
    for _ in range(600):
        lines = list(kept.glob("*/records.jsonl"))
        if lines and lines[0].stat().st_size:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert content(root) == before
    assert "it is prompt" in told(words)
