"""How many requests an endpoint is given at once, found by trying.

Slow start, additive increase and multiplicative decrease as in TCP (Chiu and Jain, 1989; Jacobson,
1988). Besides, growth is taken back where more requests at once brought no more answers a second:
what waits at the endpoint is better off waiting here, where it can still be cancelled.
"""

from __future__ import annotations

from typing import Final

START: Final = 8
MOST: Final = 256
CUT: Final = 0.7
"""What is left of the limit when the endpoint refuses; TCP CUBIC's factor."""
STEP: Final = 1.5
"""Growth after which the gain is weighed."""
GAIN: Final = 0.2
"""Smallest share of that growth that has to be found again in answers a second."""
REST: Final = 16
"""Rounds without growth after growth that brought nothing."""


class Limiter:
    """The limit of one endpoint. Times are seconds of any clock that never goes back.

    Args:
        start: First limit.
        most: Bound that is never exceeded.
    """

    def __init__(self, *, start: int = START, most: int = MOST) -> None:
        self._most = max(1, most)
        self._limit = float(min(max(1, start), self._most))
        self._doubling = True
        self._level: tuple[float, float] | None = None
        self._rest = 0
        self._cut_at = float("-inf")
        self._round_from: float | None = None
        self._answers = 0
        self._used = True

    @property
    def limit(self) -> int:
        """Requests that may be under way: at least 1."""
        return int(self._limit)

    def bound(self, most: int) -> None:
        """Lower the bound, for another user of the endpoint who allows less."""
        self._most = max(1, min(self._most, most))
        self._limit = min(self._limit, float(self._most))

    def answered(self, now: float, *, busy: int) -> None:
        """A request was answered, when `busy` were under way, itself included."""
        if self._round_from is None:
            self._begin(now)
            return
        self._answers += 1
        # A limit that nobody reaches says nothing: neither grow nor measure.
        self._used = self._used and 2 * busy > self.limit
        if self._answers >= max(2 * self.limit, 2 * START):
            self._end(now)

    def refused(self, now: float, *, started: float) -> None:
        """A request that began at `started` met an endpoint with too much to do.

        What was under way at the last cut was sent by the old limit, and cuts no second time.
        """
        if started < self._cut_at:
            return
        self._limit = max(1.0, self._limit * CUT)
        self._cut_at = now
        self._doubling = False
        self._level = None
        self._rest = 0
        self._round_from = None

    def _begin(self, now: float) -> None:
        self._round_from, self._answers, self._used = now, 0, True

    def _end(self, now: float) -> None:
        seconds = max(now - (self._round_from or now), 1e-9)
        if self._used:
            self._weigh(self._answers / seconds)
        self._begin(now)

    def _weigh(self, rate: float) -> None:
        """One round at the limit gave `rate` answers a second."""
        if self._rest:
            self._rest -= 1
            return
        if self._level is None:
            self._level = (self._limit, rate)
        before, slower = self._level
        growth = self._limit / before
        if growth >= STEP:
            if rate / slower - 1 < GAIN * (growth - 1):
                self._limit, self._level, self._rest = before, None, REST
                self._doubling = False
                return
            self._level = (self._limit, rate)
        self._limit = min(self._limit * 2 if self._doubling else self._limit + 1, float(self._most))
