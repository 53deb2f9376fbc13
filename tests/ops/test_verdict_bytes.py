"""The same records give the same bytes, whatever their order and how many threads read them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from builders_runs import CANDIDATE, ENDED, Behaviour, describe, rows_of
from gatekeeper.adapters import yaml
from gatekeeper.adapters.metrics.measurements import RunMeasurements
from gatekeeper.adapters.records import RunRecords
from gatekeeper.adapters.runs import seal
from gatekeeper.adapters.tables import open_tables
from gatekeeper.core.canonical import canonical_model
from gatekeeper.model.policy import GatePolicy
from gatekeeper.model.record import RequestRow
from gatekeeper.ops.gate import decide_run
from gatekeeper.ops.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatekeeper.model.record import Row
    from gatekeeper.model.run import Run
    from gatekeeper.model.verdict import Verdict

POLICY = b"""
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: everything, owner: audit, effective: 2026-01-01}
multiplicity: benjamini_hochberg
sections:
  quality:
    must_pass: [quality-00003, topic=t1]
    rules:
      - {metric: resolved_rate, min: 0.97}
      - {metric: resolved_rate, name: by_topic, min: 0.9, by: topic}
      - {metric: resolved_rate, name: worst_cluster, min: 0.5, by: cluster, slices: worst}
      - {metric: resolved_rate, max_decrease: 0.01}
      - {metric: follow_up_ratio, max: 0.18, min_effect: 0.01}
  cost:
    rules:
      - {metric: usd_per_resolved_request, max_increase: 0.1}
      - {metric: tokens_per_verified_outcome, name: resampled, max_increase: 0.1, method: bca}
      - {metric: tokens_per_verified_outcome, max: 400}
  reliability:
    rules:
      - {metric: p95_latency, max_increase: 0.1}
      - {metric: p50_latency, max: 100}
      - {metric: retry_amplification, max: 1.25}
"""
SIZES = {"quality": 120, "load": 80}


def grouped(run: Run) -> Iterator[tuple[Row, ...]]:
    """Conversations about topics, of which always four belong together."""
    behaviour = Behaviour(tokens=130, unresolved=14, latency_us=21_000, errors={"quality": 2})
    for rows in rows_of(run, behaviour):
        yield tuple(
            row.model_copy(update={"tags": (f"topic=t{place % 7}",), "cluster": f"c{place // 4}"})
            if isinstance(row, RequestRow) and (place := int((row.sample_id or "-0")[-5:])) >= 0
            else row
            for row in rows
        )


def judged(directory: Path, order: int, threads: int) -> Verdict:
    run = describe(SIZES, replicates=2)
    run = run.model_copy(
        update={
            "sets": tuple(
                one.model_copy(update={"replicates": 1}) if one.suite == "load" else one
                for one in run.sets
            )
        }
    )
    conversations = list(grouped(run))
    random.Random(order).shuffle(conversations)  # noqa: S311 - an order
    with RunRecords(directory) as records:
        for rows in conversations:
            records.write(rows)
    run = seal(directory, run)
    policy = Policy(yaml.check(yaml.parse(POLICY, "policy.yaml"), GatePolicy).value)
    with open_tables(directory, run) as connection:
        connection.execute(f"SET threads = {threads}")
        baseline = run.baseline.digest if run.baseline else None
        measurements = RunMeasurements(connection, CANDIDATE, baseline, None, directory)
        found = decide_run(run, measurements, policy, decided=ENDED, changed=("prompt",))
    return found.model_copy(update={"run_digest": "sha256:" + "0" * 64})


def test_neither_order_nor_threads_change_a_byte_of_a_verdict(tmp_path: Path) -> None:
    first = judged(tmp_path / "0", 0, 1)
    assert {rule.outcome for rule in first.rules} >= {"pass", "fail", "inconclusive"}
    assert {rule.clusters for rule in first.rules} >= {20, 30}
    for order, threads in ((1, 1), (2, 4)):
        again = judged(tmp_path / str(order), order, threads)
        assert canonical_model(again) == canonical_model(first)


def test_everything_that_is_decided_says_how_sure_it_is(tmp_path: Path) -> None:
    for rule in judged(tmp_path, 0, 2).rules:
        if rule.low is not None:
            assert rule.p is not None
            assert rule.p_fail is not None
            assert rule.method
            assert rule.margin == pytest.approx(rule.margin)
        if rule.outcome == "fail":
            assert rule.samples
            assert rule.suspects == ("prompt",)


def test_replicates_say_how_much_is_chance_within_samples(tmp_path: Path) -> None:
    rules = {rule.rule: rule for rule in judged(tmp_path, 0, 2).rules}
    seen = rules["quality.follow_up_ratio_max"].variation
    assert seen is not None
    assert (seen.samples, seen.conversations) == (120, 240)
    assert seen.between >= 0
    assert seen.within >= 0
    assert rules["reliability.p95_latency_max_increase"].variation is None
