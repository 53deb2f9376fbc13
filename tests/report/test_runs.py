"""Runs in a list and on a screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.text import Text

from builders_runs import PRICES, Behaviour, describe, make_run
from gatekeeper.adapters.looking import opened, suites
from gatekeeper.adapters.metrics import RunMeasurements
from gatekeeper.model.run import RunOptions, RunSource, Shard, Spend
from gatekeeper.ops.measure_run import values
from gatekeeper.report.runs import (
    Listed,
    Shown,
    listed_text,
    merged_text,
    shown_document,
    shown_text,
)

GOLDEN = Path(__file__).parent.parent / "golden" / "runs"
SIZES = {"quality": 300, "safety": 120, "load": 40}


def plain(markup):
    return Text.from_markup(markup, emoji=False).plain


def full():
    """A run about which there is everything to say."""
    return describe(SIZES).model_copy(
        update={
            "engines": {
                "small": {"engine": "vllm", "version": "0.32.0", "gpu": "NVIDIA H100 80GB"}
            },
            "determinism": {"order": "seed 7", "batching": "continuous", "threads": "16"},
            "drift": ("cuda is 12.9, validated on 12.8",),
            "contamination": ("quality-00003 stands in the few-shot examples",),
            "spend": Spend(
                nano_usd=1_234_567_890, tokens=123_456, cached_calls=7, sittings=2, repeated=3
            ),
            "options": RunOptions(
                limit=300, shard=Shard(index=1, count=4), max_usd=5.0, policy="gates/desk.yaml"
            ),
            "partial": ("shard 1 of 4", "[red]at most 300[/red] samples of each set"),
            "notes": ("records.jsonl: its last line was cut short and left out",),
            "source": RunSource(format="inspect", tool="inspect 0.3.1", digest=PRICES),
        }
    )


@pytest.mark.parametrize("width", [80, 120])
def test_all_that_there_is_to_say_of_a_run(tmp_path, width, golden):
    run = make_run(tmp_path, Behaviour(errors={"quality": 2}, violations=1), run=full())
    with opened(tmp_path, run) as connection:
        counts = suites(connection, run)
        sides = [run.candidate.digest, run.baseline.digest]
        metrics = [
            values(RunMeasurements(connection.cursor(), *pair), SIZES)
            for pair in (sides, sides[::-1])
        ]
    scores = [
        {"arm": "candidate", "suite": "safety", "scorer": "pii", "n": 119, "mean": 1.0,
         "stderr": 0.0, "errors": 1},
        {"arm": "candidate", "suite": "safety", "scorer": "crashed", "n": 0, "mean": None,
         "stderr": None, "errors": 120},
    ]  # fmt: skip
    shown = Shown(run, "fail", counts, scores, metrics[0], metrics[1], 17)
    text = plain(shown_text(shown, width))
    golden(GOLDEN / f"show-{width}.txt", text + "\n")
    facts, _, _ = text.partition("suites\n")
    assert max(map(len, facts.splitlines()[1:])) <= width
    document = shown_document(shown)
    assert document["failed"] == 17
    assert document["suites"][0]["error"] == 0
    assert document["metrics"][0]["metric"] == "resolved_rate"


def test_the_list(golden):
    runs = [
        Listed("a", describe(SIZES), "pass"),
        Listed("b", full(), ""),
        Listed("c[red]", None, damage="does not describe a run: sets: Field required"),
        Listed("d", describe({"quality": 5}, status="interrupted", baseline=None)),
    ]
    golden(GOLDEN / "list.txt", plain(listed_text(runs, 3)) + "\n")
    assert listed_text([]).startswith("no runs yet")


def test_a_merged_run_says_what_still_makes_it_partial():
    text = plain(merged_text(full(), 4))
    assert text.startswith("merged 4 shards to 20261120-120000-abcdef")
    assert "partial: [red]at most 300[/red] samples of each set" in text
