"""A sample of the crash sweep; `python tests/crash/sweep.py` runs all of it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from sweep import Outcome, Warm, benches, sweep

SAMPLE = 48


def test_a_killed_promotion_or_rollback_leaves_the_old_or_the_new_state(tmp_path: Path) -> None:
    runner = Warm()
    total = Outcome()
    try:
        for verb, bench in benches(tmp_path):
            found, points = sweep(bench, runner, SAMPLE)
            assert found.faults == [], verb
            assert points > SAMPLE, verb
            total.old += found.old
            total.new += found.new
            total.survived += found.survived
            total.points += found.points
    finally:
        runner.close()
    assert len(total.survived) * 20 <= total.points, total.survived
    assert total.old >= 20
    assert total.new >= 20
