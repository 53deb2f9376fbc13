"""Two runs compared on what both answered."""

from __future__ import annotations

import pytest

from builders_runs import BASELINE, CANDIDATE, Behaviour, describe, make_run
from gatekeeper.adapters.comparing import A, B, compared
from gatekeeper.adapters.metrics import RunMeasurements
from gatekeeper.adapters.tables import open_tables
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.errors import UndecidedError
from gatekeeper.model.run import RunRelease
from gatekeeper.ops.measure_run import differences, values

SIZES = {"quality": 60, "safety": 40, "load": 20}
WORSE = Behaviour(unresolved=9, tokens=120, leaks=2)
BETTER = Behaviour(unresolved=4)


def alone(directory, behaviour, digest=CANDIDATE, sizes=SIZES, **changes):
    run = describe(
        sizes, candidate=RunRelease(name="desk", digest=digest), baseline=None, **changes
    )
    return directory, make_run(directory, behaviour, run=run)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    return alone(root / "a", BETTER, BASELINE), alone(root / "b", WORSE)


def test_two_runs_differ_as_much_as_one_run_of_both_says(both, tmp_path):
    run = make_run(tmp_path, WORSE, BETTER, describe(SIZES))
    with compared(*both) as found, open_tables(tmp_path, run) as connection:
        assert found.samples() == {"load": 20, "quality": 60, "safety": 40}
        together = RunMeasurements(connection, CANDIDATE, BASELINE)
        for name in ("resolved_rate", "usd_per_resolved_request", "follow_up_ratio"):
            mine = found.measurements(B).observe(METRICS[name], paired=True)
            assert mine == together.observe(METRICS[name], paired=True)


def test_samples_that_changed_sides_are_named(both):
    with compared(*both) as found:
        flips = found.flips()
    broken = {one.sample for one in flips if one.broken}
    assert len(broken) == 5 + 2
    assert not [one for one in flips if not one.broken]
    with compared(both[1], both[0]) as found:
        assert {one.sample for one in found.flips() if not one.broken} == broken


def test_the_same_release_twice_can_be_compared(both, tmp_path):
    again = alone(tmp_path, WORSE)
    with compared(both[1], again) as found:
        assert found.flips() == ()
        changed = differences(found.measurements(B), SIZES)
        assert {one.value for one in changed if not one.missing} == {0.0}
        assert values(found.measurements(A), SIZES) == values(found.measurements(B), SIZES)


def test_only_what_both_answered_counts(both, tmp_path):
    smaller = alone(tmp_path, WORSE, sizes={"quality": 30})
    with compared(both[0], smaller) as found:
        assert found.samples() == {"quality": 30}
        (rate, *_) = differences(found.measurements(B), {"quality"})
        assert rate.n == 30


def test_a_run_that_was_not_sealed_is_not_compared(both, tmp_path):
    run = make_run(tmp_path, WORSE, run=describe(SIZES, status="interrupted"), sealed=False)
    with pytest.raises(UndecidedError, match="interrupted"), compared(both[0], (tmp_path, run)):
        pass
