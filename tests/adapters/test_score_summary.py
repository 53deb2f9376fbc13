"""What each scorer said of a run: replicates averaged, errors counted, releases apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builders_runs import CANDIDATE, SET_DIGEST, describe
from gatekeeper.adapters.records import RunRecords
from gatekeeper.adapters.runs import seal
from gatekeeper.adapters.score_summary import score_summary
from gatekeeper.adapters.tables import open_tables
from gatekeeper.model.record import RequestRow, ScoreRow

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.model.record import Row


def rows(sample: str, replicate: int, value: float | None, cluster: str) -> list[Row]:
    request = f"{sample}:{replicate}"
    return [
        RequestRow(
            request_id=request,
            time=0,
            lane="offline",
            release=CANDIDATE,
            sample_id=sample,
            set_digest=SET_DIGEST,
            suite="quality",
            cluster=cluster,
            replicate=replicate,
            status="ok",
            latency_us=1,
        ),
        ScoreRow(
            request_id=request,
            scorer="facts",
            value=value,
            error="it crashed" if value is None else None,
        ),
    ]


def test_replicates_are_averaged_and_errors_are_in_no_mean(tmp_path: Path) -> None:
    with RunRecords(tmp_path) as records:
        records.write(rows("a", 0, 1.0, "x"))
        records.write(rows("a", 1, 0.0, "x"))
        records.write(rows("b", 0, 1.0, "y"))
        records.write(rows("b", 1, None, "y"))
        records.write(rows("c", 0, None, "y"))
    sealed = seal(tmp_path, describe({"quality": 3}))
    (found,) = score_summary(open_tables(tmp_path, sealed))
    assert (found.release, found.suite, found.scorer) == (CANDIDATE, "quality", "facts")
    assert (found.mean.n, found.errors, found.mean.clusters) == (2, 2, 2)
    assert found.mean.value == pytest.approx(0.75)
    assert found.mean.stderr == pytest.approx(0.25)
