"""Distributions of real runs, reduced to counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builders_runs import Behaviour, describe, make_run
from gatekeeper.adapters.plots import distributions
from gatekeeper.adapters.tables import open_tables

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.core.plots import Distribution
    from gatekeeper.model.run import Run

SIZES = {"quality": 100, "load": 60}


def drawn(directory: Path, run: Run, behaviour: Behaviour) -> dict[str, Distribution]:
    sealed = make_run(directory, behaviour, run=run)
    with open_tables(directory, sealed) as connection:
        return {one.what.split()[0]: one for one in distributions(connection, sealed)}


def test_every_sample_is_in_one_bin_and_the_dearer_side_lies_right(tmp_path: Path) -> None:
    found = drawn(tmp_path, describe(SIZES), Behaviour(tokens=150, latency_us=40_000))
    assert {name: one.suite for name, one in found.items()} == {
        "latency": "load",
        "tokens": "quality",
        "cost": "quality",
    }
    for one in found.values():
        assert one.baseline is not None
        assert sum(one.candidate.counts) == one.candidate.n == SIZES[one.suite]
        assert one.candidate.p50 > one.baseline.p50
        assert one.low <= one.baseline.p50 <= one.baseline.p95 <= one.high
    assert 30 < found["latency"].candidate.p50 < 50
    assert 0.1 < found["cost"].candidate.p50 < 0.3


def test_a_release_alone_is_drawn_alone(tmp_path: Path) -> None:
    found = drawn(tmp_path, describe(SIZES, baseline=None), Behaviour())
    assert [one.baseline for one in found.values()] == [None, None, None]


def test_all_tied_has_a_width(tmp_path: Path) -> None:
    run = describe({"quality": 1}, baseline=None)
    found = drawn(tmp_path, run, Behaviour())
    assert all(one.high > one.low for one in found.values())
    assert all(sum(one.candidate.counts) == 1 for one in found.values())
