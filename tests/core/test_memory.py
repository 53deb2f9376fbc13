"""For how long requests remember: against closed forms, and what that does to verdicts on times."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gatekeeper.core.observation import Times
from gatekeeper.core.statistics.duration_changes import quantile_change
from gatekeeper.core.statistics.durations import quantile_of
from gatekeeper.core.statistics.memory import memory

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gatekeeper.core.statistics.inference import Inference


def known(found: Inference | None) -> Inference:
    assert found is not None
    return found


def waits(busy: float, n: int, random: np.random.Generator) -> tuple[NDArray, NDArray]:
    """Waits and services of a queue M/M/1 in its steady state, in mean services."""
    services = random.exponential(1, n)
    steps = services[:-1] - random.exponential(1 / busy, n - 1)
    start = random.exponential(1 / (1 - busy)) * (random.random() < busy) if busy < 1 else 0.0
    walk = start + np.concatenate([[0.0], np.cumsum(steps)])
    return walk - np.minimum(np.minimum.accumulate(walk), 0), services


def sojourns(busy: float, n: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Microseconds from arrival to answer, of a mean service of 0.1 s."""
    waited, services = waits(busy, n, random)
    return (1e5 * (waited + services)).astype(np.int64)


def p95(busy: float) -> float:
    """The time in the system is exponential: Kleinrock (1975), Queueing Systems 1, 5.118."""
    return -math.log(0.05) / (1 - busy) * 1e5


@pytest.mark.parametrize("alike", [0.0, 0.8])
def test_of_an_autoregression_it_is_the_known_one(alike: float) -> None:
    """Its autocorrelation time is (1 + r) / (1 - r)."""
    random = np.random.default_rng(1)
    values = random.normal(size=100_000)
    for place in range(1, len(values) if alike else 0):
        values[place] += alike * values[place - 1]
    time = (1 + alike) / (1 - alike)
    for n in (20_000, 100_000):
        assert time <= memory(values[:n]) <= 1.4 * time


@pytest.mark.parametrize("busy", [0.3, 0.5, 0.7])
def test_of_waits_in_a_queue_it_is_the_known_one(busy: float) -> None:
    """Variance of the mean wait of M/M/1: Daley (1968), J. Austral. Math. Soc. 8:683-699."""
    waited, _ = waits(busy, 400_000, np.random.default_rng(2))
    time = (2 + 5 * busy - 4 * busy**2 + busy**3) / ((2 - busy) * (1 - busy) ** 2)
    assert 0.95 * time <= memory(waited) <= 1.5 * time


def test_it_is_at_least_one_value_and_at_most_all() -> None:
    assert memory(np.ones(50)) == 1
    assert memory(np.array([3.0])) == 1
    assert memory(np.tile([0.0, 1.0], 200)) == 1
    assert memory(np.arange(300.0)) == 300
    assert memory(np.repeat(np.random.default_rng(3).normal(size=400), 50)) > 40


@pytest.mark.parametrize(("busy", "n", "least"), [(0.3, 2000, 0.9), (0.7, 2000, 0.0)])
def test_a_p95_at_its_limit_seldom_passes_or_fails(busy: float, n: int, least: float) -> None:
    """Of a queue whose p95 is known exactly; one that is 70 % busy passed 24 % of the time."""
    random, shown = np.random.default_rng(4), np.zeros(3)
    for _ in range(100):
        found = known(quantile_of(Times(sojourns(busy, n, random)), 0.95))
        low, high = found.bounds(0.05)
        shown += [high is not None and high <= p95(busy), low is not None and low >= p95(busy), 0]
        shown[2] += low is not None and high is not None
    allowed = 100 * (0.05 + 3 * math.sqrt(0.05 * 0.95 / 100))
    assert max(shown[:2]) <= allowed
    assert shown[2] >= 100 * least


def test_a_run_that_is_too_short_says_how_long_it_would_have_to_be() -> None:
    random = np.random.default_rng(5)
    seen = Times(sojourns(0.85, 500, random))
    found = known(quantile_of(seen, 0.95))
    assert None in found.bounds(0.05)
    needed = found.needed(2 * p95(0.85), 0.05)
    assert needed is not None
    assert needed > 2000
    longer = known(quantile_of(Times(sojourns(0.85, 40_000, random)), 0.95))
    assert None not in longer.bounds(0.05)
    assert longer.p(2 * p95(0.85), "below") < 0.05
    assert longer.p(p95(0.85) / 2, "above") < 0.05


def test_a_queue_that_fills_up_has_no_p95() -> None:
    random = np.random.default_rng(6)
    times = sojourns(1.3, 2000, random)
    for p in (0.5, 0.95, 0.99):
        found = known(quantile_of(Times(times), p))
        assert found.bounds(0.05) == (None, None)
        assert found.p(1e12, "below") is None


def test_releases_in_one_queue_can_be_compared_though_neither_has_a_quantile() -> None:
    """They wait alike, so what is left between them is forgotten at once."""
    random = np.random.default_rng(7)
    both = sojourns(1.3, 1000, random).reshape(500, 2)
    found = known(quantile_change(Times(*both.T.copy()), 0.95))
    low, high = found.bounds(0.05)
    assert low is not None
    assert high is not None
    assert -0.1 < low < 0 < high < 0.1
    apart = Times(sojourns(1.3, 500, random), sojourns(1.3, 500, random))
    found = known(quantile_change(apart, 0.95))
    assert found.bounds(0.05) == (None, None)
    assert (found.needed(0.25, 0.05) or 0) > 500
