"""Results that promptfoo wrote: repeats, named scores, and crashes that it calls failures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gatekeeper.errors import InputError
from importing import FIXTURES

if TYPE_CHECKING:
    from pathlib import Path

    from importing import Desk

SCORES = "SELECT scorer, value, error FROM scores JOIN requests USING (request_id) "


@pytest.mark.parametrize("name", ["clean.json", "clean.jsonl"])
def test_assertions_are_scores_and_success_is_resolved(desk: Desk, name: str) -> None:
    found = desk.load(f"promptfoo/{name}")
    assert found.run.partial == ()
    resolved = found.rows("SELECT count(*) FILTER (resolved), count(*) FROM outcomes")
    assert resolved == [(3, 4)]
    rows = found.rows(SCORES + "WHERE sample_id = 'test-2' ORDER BY ALL")
    assert rows == [("exact", 0.0, None), ("json", 1.0, None)]
    verdict = found.gate(quality={"resolved_rate_min": 0.1})
    assert (verdict["outcome"], verdict["exit"]) == ("pass", 0)


def test_tokens_and_costs_are_those_of_the_provider(desk: Desk) -> None:
    found = desk.load("promptfoo/clean.json")
    spent = found.rows("SELECT sum(nano_usd), sum(input_tokens), sum(output_tokens) FROM calls")
    assert spent == [(1_000_000, 48, 8)]
    verdict = found.gate(cost={"usd_per_resolved_request_max": 0.01})
    assert verdict["rules"][-1]["estimate"] == pytest.approx(0.001 / 3, rel=1e-6)


def test_repeated_tests_are_replicates(desk: Desk) -> None:
    found = desk.load("promptfoo/errors.json")
    (used,) = found.run.sets
    assert (used.samples, used.replicates) == (7, 2)


def test_errors_stay_errors(desk: Desk) -> None:
    found = desk.load("promptfoo/errors.json")
    assert found.run.partial == ("6 results in error",)
    reasons = found.rows("SELECT DISTINCT reason FROM requests WHERE status = 'error' ORDER BY 1")
    assert reasons == [
        ("Error: scorer fell over",),
        ("Error: the endpoint fell over",),
        ("HTTP 500 from the endpoint",),
    ]
    assert found.gate(quality={"resolved_rate_min": 0.01})["outcome"] == "error"


def test_an_assertion_that_crashed_is_no_failure(desk: Desk) -> None:
    found = desk.load("promptfoo/inline.json")
    rows = found.rows(SCORES + "WHERE sample_id = 'test-0' ORDER BY ALL")
    assert rows == [
        ("broken", None, "Custom function threw error: missing is not defined"),
        ("exact", 1.0, None),
    ]
    verdict = found.gate(quality={"resolved_rate_min": 0.99})
    assert (verdict["outcome"], verdict["exit"]) == ("error", 3)


def edited(tmp_path: Path, results: object) -> Path:
    whole = json.loads((FIXTURES / "promptfoo/clean.json").read_bytes())
    whole["results"]["results"] = results(whole["results"]["results"])  # type: ignore[operator]
    path = tmp_path / "edited.json"
    path.write_text(json.dumps(whole))
    return path


def test_results_that_are_missing_are_noticed(desk: Desk, tmp_path: Path) -> None:
    found = desk.load(edited(tmp_path, lambda results: results[:3]))
    assert found.run.partial == ("3 results, and its statistics count 4",)


def test_several_providers_are_several_releases(desk: Desk, tmp_path: Path) -> None:
    def two(results: list[dict]) -> list[dict]:
        results[1]["provider"] = {"id": "other"}
        return results

    with pytest.raises(InputError, match="several releases") as caught:
        desk.load(edited(tmp_path, two))
    assert "canned with prompt 0, other with prompt 0" in str(caught.value)
    assert not list((desk.root / ".gatekeeper/runs").glob("*"))
