"""Merging shards on disk."""

from __future__ import annotations

from datetime import timedelta

import pytest

from builders_runs import ENDED, Behaviour, describe, make_run
from gatekeeper.adapters.merging import merge
from gatekeeper.adapters.metrics import RunMeasurements
from gatekeeper.adapters.runs import read_run
from gatekeeper.adapters.tables import file_digest, open_tables
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.errors import InputError, IntegrityError
from gatekeeper.model.policy import GatePolicy, PolicyMetadata, Section
from gatekeeper.ops.gate import decide_run
from gatekeeper.ops.policy import Policy
from shards import SIZES, make_shards

BEHAVIOUR = Behaviour(unresolved=9, errors={"quality": 2}, violations=1)
POLICY = GatePolicy(
    apiVersion="gatekeeper/v1",
    kind="GatePolicy",
    metadata=PolicyMetadata(name="p", owner="o", effective="2026-01-01"),
    sections={"quality": Section(resolved_rate_min=0.5, resolved_rate_max_decrease=0.2)},
)


def decided(directory, run):
    with open_tables(directory, run) as connection:
        measurements = RunMeasurements(
            connection, run.candidate.digest, run.baseline and run.baseline.digest
        )
        verdict = decide_run(run, measurements, Policy(POLICY), decided=ENDED + timedelta(days=1))
        observed = {
            name: measurements.observe(metric, paired=False)
            for name, metric in METRICS.items()
            if metric.kind != "quantile"
        }
    return verdict.rules, observed


@pytest.mark.parametrize("count", [2, 5])
def test_merged_shards_decide_as_the_whole_run_does(tmp_path, count):
    shards = make_shards(tmp_path, count, BEHAVIOUR)
    run = merge(tmp_path / "runs", shards)
    target = tmp_path / "runs" / run.id
    whole = make_run(tmp_path / "whole", BEHAVIOUR, run=describe(SIZES))
    assert read_run(target) == run
    assert decided(target, run) == decided(tmp_path / "whole", whole)
    assert any(rule.outcome == "pass" for rule in decided(target, run)[0])


def test_merging_again_in_another_order_and_elsewhere_gives_the_same_bytes(tmp_path):
    shards = make_shards(tmp_path, 3)
    first = merge(tmp_path / "a", shards)
    assert merge(tmp_path / "a", shards) == first
    assert merge(tmp_path / "b", shards[::-1]) == first
    for name, digest in first.files.items():
        assert file_digest(tmp_path / "b" / first.id / name) == digest


def test_nothing_is_left_where_parts_are_refused(tmp_path):
    shards = make_shards(tmp_path, 2)
    with pytest.raises(InputError, match="is there 2 times"):
        merge(tmp_path / "runs", [shards[0], shards[0]])
    assert not (tmp_path / "runs").exists()


def test_an_altered_table_is_refused_and_nothing_is_left(tmp_path):
    shards = make_shards(tmp_path, 2)
    with (shards[1] / "scores.parquet").open("ab") as file:
        file.write(b"x")
    with pytest.raises(IntegrityError, match="is not the file that the run was sealed with"):
        merge(tmp_path / "runs", shards)
    assert not list((tmp_path / "runs").glob("*"))


def test_a_sample_that_two_parts_answered_is_refused(tmp_path):
    shards = make_shards(tmp_path, 2)
    again = make_shards(tmp_path / "again", 2)
    twin = read_run(shards[1]).model_copy(update={"files": read_run(again[0]).files})
    for name in twin.files:
        (shards[1] / name).write_bytes((again[0] / name).read_bytes())
    (shards[1] / "run.json").write_text(twin.model_dump_json())
    with pytest.raises(IntegrityError, match="sample 'load-00000' of suite load was answered in"):
        merge(tmp_path / "runs", shards)
