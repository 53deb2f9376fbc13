"""A sample of the kills of an evaluation; `python tests/crash/resume.py` makes all of them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from resume import bench_of, make_project, moments

SAMPLES, KILLS = 200, 6


def test_a_killed_run_comes_to_what_a_whole_one_does(tmp_path: Path) -> None:
    root = make_project(tmp_path / "project", SAMPLES)
    told, run, faults = bench_of(root, "embedded", SAMPLES, KILLS)
    assert faults == []
    assert told.kills >= KILLS - 1, told.missed
    assert run.spend.sittings > 1


def test_kills_are_spread_over_the_start_the_work_and_the_sealing() -> None:
    plan = moments(50, 2000, 1.0)
    assert len(plan) == 50
    assert sum(bool(one.sealing) for one in plan) == 6
    assert sum(bool(one.delay) for one in plan) == 5
    places = [one.lines for one in plan if one.lines]
    assert places == sorted(places)
    assert places[0] == 1
    assert places[-1] > 1900
