"""The limit that is found by trying, against endpoints that are simulated to the last request."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.core.concurrency import Limiter

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Simulated:
    """An endpoint whose requests take `seconds(busy)`, and that refuses above `most` at once."""

    limiter: Limiter
    seconds: Callable[[int], float]
    most: int = 10_000
    now: float = 0.0
    answers: int = 0
    refusals: int = 0
    limits: list[int] = field(default_factory=list)

    def run(self, requests: int, crowd: int = 10_000) -> None:
        """So many requests, `crowd` of them waiting at any time."""
        ends: list[tuple[float, float, bool]] = []
        for _ in range(requests):
            while len(ends) < min(crowd, self.limiter.limit):
                accepted = len(ends) < self.most
                lasts = self.seconds(len(ends) + 1) if accepted else 0.001
                heapq.heappush(ends, (self.now + lasts, self.now, accepted))
            self.now, started, accepted = heapq.heappop(ends)
            if accepted:
                self.answers += 1
                self.limiter.answered(self.now, busy=len(ends) + 1)
            else:
                self.refusals += 1
                self.limiter.refused(self.now, started=started)
            self.limits.append(self.limiter.limit)


def slots(count: int, seconds: float) -> Callable[[int], float]:
    """`count` requests at a time, others wait for them: latency grows with the crowd."""
    return lambda busy: seconds * max(1.0, busy / count)


def test_an_endpoint_that_bears_everything_gets_everything():
    world = Simulated(Limiter(most=256), lambda _: 1.0)
    world.run(2000)
    assert world.limits[-1] == 256


def test_growth_ends_where_it_brings_nothing():
    world = Simulated(Limiter(most=256), slots(32, 0.1))
    world.run(20_000)
    settled = world.limits[2000:]
    assert 24 <= sum(settled) / len(settled) <= 80
    assert world.answers / world.now > 0.9 * 32 / 0.1


def test_one_at_a_time_is_not_given_more_than_the_first_few():
    world = Simulated(Limiter(), slots(1, 0.01))
    world.run(5000)
    assert sum(world.limits) / len(world.limits) < 12


def test_batching_that_pays_is_used():
    # Twice the crowd takes 1.4 times as long, as batches of a GPU do.
    world = Simulated(Limiter(most=128), lambda busy: 0.2 * busy**0.5)
    world.run(5000)
    assert world.limits[-1] >= 96


def test_refusals_bring_it_down_and_it_stays_near_what_is_borne():
    world = Simulated(Limiter(most=256), lambda _: 1.0, most=40)
    world.run(20_000)
    settled = world.limits[5000:]
    assert 24 <= sum(settled) / len(settled) <= 44
    assert world.refusals < 0.02 * world.answers


def test_it_recovers_after_an_hour_of_refusals():
    limiter = Limiter()
    for second in range(3600):
        limiter.refused(second, started=second)
    assert limiter.limit == 1
    world = Simulated(limiter, lambda _: 0.5, now=3600.0)
    world.run(3000)
    assert limiter.limit >= 32


def test_a_crowd_refused_at_once_cuts_once():
    limiter = Limiter(start=100)
    for _ in range(100):
        limiter.refused(5.0, started=1.0)
    assert limiter.limit == 70
    limiter.refused(7.0, started=6.0)
    assert limiter.limit == 49


def test_a_limit_that_nobody_reaches_does_not_grow():
    world = Simulated(Limiter(start=8), lambda _: 1.0)
    world.run(1000, crowd=3)
    assert set(world.limits) == {8}


@pytest.mark.parametrize("most", [1, 5])
def test_a_later_user_may_lower_the_bound(most):
    limiter = Limiter(start=64)
    limiter.bound(most)
    limiter.bound(200)
    world = Simulated(limiter, lambda _: 1.0)
    world.run(500)
    assert max(world.limits) == most


@settings(max_examples=60)
@given(
    events=st.lists(st.tuples(st.booleans(), st.floats(0, 10), st.integers(1, 300)), max_size=300),
    start=st.integers(-5, 500),
    most=st.integers(-5, 500),
)
def test_it_is_always_within_its_bounds(events, start, most):
    limiter = Limiter(start=start, most=most)
    now = 0.0
    for answered, later, busy in events:
        now += later
        before = limiter.limit
        if answered:
            limiter.answered(now, busy=busy)
        else:
            limiter.refused(now, started=now)
            assert limiter.limit <= before
        assert 1 <= limiter.limit <= max(1, most)
