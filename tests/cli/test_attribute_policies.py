"""`gatekeeper attribute` on critical samples, slices, declared facts and a policy's own metrics."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from attributing import attributed, evaluated, make_desk, told

if TYPE_CHECKING:
    from pathlib import Path

RICH = """\
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: rich, owner: quality, effective: 2026-01-01}
facts: gates/facts.yaml
metrics:
  short:
    sql: >
      SELECT sample_id AS sample, max((length(answer) < 50)::INT) AS y FROM requests
      GROUP BY sample_id
    definition: share of samples with a short answer
    kind: proportion
    suites: [quality]
sections:
  quality:
    owner: product
    must_pass: [support]
    rules:
      - {metric: resolved_rate, min: 0.3, by: kind}
      - {metric: short, max: 0.01}
  cost:
    owner: finops
    instability_tax_max: 1
    energy_per_request_max: 0.000001
"""
FACTS = """\
apiVersion: gatekeeper/v1
kind: Facts
owner: finance
period: {from: 2026-10-01, to: 2026-10-31}
facts:
  - {name: failure_usd, value: 90, unit: usd, source: incidents, recorded_by: finance}
  - {name: baseline_failure_usd, value: 10, unit: usd, source: incidents, recorded_by: finance}
  - name: energy_joule_per_token
    value: 3
    unit: joule_per_token
    source: a meter
    recorded_by: platform
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A desk whose first eight samples of quality are critical; every third is of another kind."""
    root = make_desk(tmp_path_factory.mktemp("policies"))
    (root / "gates/rich.yaml").write_text(RICH)
    (root / "gates/facts.yaml").write_text(FACTS)
    file = root / "eval_sets/quality.jsonl"
    samples = [json.loads(line) for line in file.read_text().splitlines()]
    for number, sample in enumerate(samples):
        kind = "easy" if number % 3 else "hard"
        critical = {"support": "vip"} if number < 8 else {}
        sample["tags"] = {**sample["tags"], "kind": kind, **critical}
    file.write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    return root


@pytest.fixture(scope="module")
def run(root: Path) -> str:
    return evaluated(root, "both", "--policy", str(root / "gates/rich.yaml"), code=1)


@pytest.fixture(scope="module")
def rules(root: Path, run: str) -> dict[str, Any]:
    found = attributed(root, run, "--no-advise", "--policy", str(root / "gates/rich.yaml"))
    return {rule["rule"].partition(".")[2]: rule for rule in found["rules"]}


def test_what_makes_each_critical_sample_fail_is_named(rules: dict[str, Any]) -> None:
    rule = rules["must_pass"]
    assert (rule["outcome"], rule["code"], rule["guilty"]) == ("fail", "named", ["prompt"])
    failing = rule["critical"]
    broken = [one for one in failing if not one["before"]]
    assert broken
    assert {one["suite"] for one in failing} == {"quality"}
    assert all(one["cures"] == [["prompt"]] for one in broken)
    assert rule["candidate"] == len(failing)
    assert rule["suites"] == ["quality"]
    assert f"{len(broken)} pass without prompt" in rule["reason"]


def test_a_rule_that_goes_by_slices_is_asked_about_those_that_decided(
    root: Path, run: str, rules: dict[str, Any]
) -> None:
    rule = rules["resolved_rate_min_by_kind"]
    shown = json.loads(
        told(["gate", run, "--policy", str(root / "gates/rich.yaml"), "--project", str(root),
              "-o", "json"], 1)
    )  # fmt: skip
    (decided,) = [one for one in shown["rules"] if one["rule"] == f"quality.{rule['rule'][8:]}"]
    slices = [one for one in decided["slices"] if one["outcome"] == decided["outcome"]]
    assert rule["slices"] == [one["value"] for one in slices]
    assert rule["samples"] == sum(one["n"] for one in slices)
    assert rule["guilty"] == ["prompt"]


def test_an_own_metric_is_shared_out(rules: dict[str, Any]) -> None:
    rule = rules["short_max"]
    assert rule["samples"] == 24
    assert len(rule["components"]) == 2
    assert rule["code"] in {"named", "cannot_tell", "not_the_change"}


def test_declared_facts_are_of_the_whole_or_the_same_in_every_mix(rules: dict[str, Any]) -> None:
    whole = rules["instability_tax_max"]
    assert (whole["code"], whole["guilty"]) == ("unmeasured", [])
    assert "failure_usd and baseline_failure_usd" in whole["reason"]
    part = rules["energy_per_request_max"]
    assert part["facts"] == ["energy_joule_per_token"]
    assert part["unit"] == "wh"
    moved = {one["component"]: one["moved"]["value"] for one in part["components"]}
    assert (moved["prompt"] < 0, moved["router"]) == (True, 0)


def test_a_rule_that_no_request_decides_needs_no_mix(root: Path, run: str) -> None:
    words = ("--rule", "instability_tax_max", "--policy", str(root / "gates/rich.yaml"))
    assert attributed(root, run, *words, "--dry-run")["mixes"] == []


def test_the_text_names_the_samples(root: Path, run: str) -> None:
    words = ["--rule", "must_pass", "--no-advise", "--policy", str(root / "gates/rich.yaml")]
    text = told(["attribute", run, *words, "--project", str(root)])
    assert text.startswith("✗ FAIL  it is prompt\n")
    assert "pass without prompt: quality-" in text
    assert max(map(len, text.splitlines())) <= 80
