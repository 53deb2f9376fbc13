"""Tables that are read while they grow."""

from __future__ import annotations

import pytest

from builders_runs import BASELINE, CANDIDATE, Behaviour, describe, rows_of
from gatekeeper.adapters.growing import GrowingTables
from gatekeeper.adapters.metrics import RunMeasurements
from gatekeeper.adapters.records import LINES, RunRecords
from gatekeeper.adapters.tables import open_lines
from gatekeeper.core.metrics.catalogue import METRICS

RUN = describe({"quality": 60, "structured": 60, "safety": 60, "benign": 60, "load": 60})
UNITS = list(rows_of(RUN, Behaviour(errors={"quality": 2})))


def seen(measurements, *, paired=False):
    """Everything that can be measured, as it compares."""
    found = {}
    for name, metric in METRICS.items():
        if metric.kind != "quantile" and (not paired or metric.suites == ("quality",)):
            found[name] = measurements.observe(metric, paired=paired)
    return found


def test_reading_bit_by_bit_gives_what_reading_at_once_gives(tmp_path):
    with RunRecords(tmp_path / "run") as records, GrowingTables(tmp_path / "run") as tables:
        for number, rows in enumerate(UNITS):
            records.write(rows)
            if number % 100 == 0:
                assert tables.refresh() > 0
        tables.refresh()
        assert tables.refresh() == 0
        bit_by_bit = seen(tables.measurements(CANDIDATE, BASELINE))
    connection, _ = open_lines(tmp_path / "run")
    with connection:
        assert bit_by_bit == seen(RunMeasurements(connection, CANDIDATE, BASELINE))


def test_a_line_that_is_being_written_waits(tmp_path):
    with RunRecords(tmp_path) as records, GrowingTables(tmp_path) as tables:
        records.write(UNITS[0])
        path = tmp_path / LINES
        whole = path.read_bytes()
        with path.open("ab") as file:
            file.write(whole[:-20])
        assert tables.refresh() > 0
        assert sum(tables.measurements(CANDIDATE, BASELINE).conversations(CANDIDATE).values()) == 1
        with path.open("ab") as file:
            file.write(whole[-20:])
        assert tables.refresh() == len(whole)


def test_only_samples_that_both_have_answered_are_compared(tmp_path):
    with RunRecords(tmp_path) as records, GrowingTables(tmp_path) as tables:
        for rows in UNITS:
            request = rows[0]
            if request.suite == "quality":
                number = int(request.sample_id.split("-")[1])
                if number < 40 if request.release == CANDIDATE else number >= 20:
                    records.write(rows)
        tables.refresh()
        change = tables.paired(CANDIDATE, BASELINE).observe(METRICS["resolved_rate"], paired=True)
        assert change.high.n == 20
        assert not list(tmp_path.glob("*.duckdb"))


def test_what_runs_in_another_thread_can_be_interrupted_and_closing_twice_is_no_harm(tmp_path):
    RunRecords(tmp_path).close()
    tables = GrowingTables(tmp_path)
    tables.interrupt()
    tables.close()
    tables.interrupt()
    with pytest.raises(Exception, match="onnection"):
        tables.measurements(CANDIDATE, None)
