"""The way to one endpoint: as many requests at once as do it good, none while it asks for peace.

All engines of one event loop that ask the same endpoint share its gate, so that what one request is
told holds for all. Waiting here counts against the time limit of the request, and is recorded as
time in the queue. A request that waits for as long as its limit allows fails saying what for; it
does not fail before, although the endpoint may have asked for longer: a crowd that failed at once
would use up a whole eval set within the pause.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from gatekeeper.core.concurrency import Limiter
from gatekeeper.core.rate_limits import Notice, Pace, exhausted, retry_after
from gatekeeper.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping

Origin = tuple[str, str, int | None]

PATIENCE: Final = 0.95
"""Share of its time limit that a request may wait: what is left is for saying so."""
OVERLOADED: Final = frozenset((429, 503, 504, 529))
"""Too many requests, no service, nothing in time; 529 is what some hosts say for 503."""
REMAINING: Final = ("x-ratelimit-remaining-requests", "x-ratelimit-remaining-tokens")


class Gate:
    """For one endpoint and one event loop.

    Args:
        most: Requests that may be under way at most.
    """

    def __init__(self, most: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._limiter = Limiter(most=most)
        self._pace = Pace()
        self._busy = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def limit(self) -> int:
        """Requests that may be under way now."""
        return self._limiter.limit

    def bound(self, most: int) -> None:
        """Allow no more than that from now on."""
        self._limiter.bound(most)

    async def enter(self, timeout: float) -> float:
        """Wait for a place; the time at which it was taken (`time.monotonic`).

        Raises:
            EngineError: The endpoint wants to be left alone for longer than may be waited.
            TimeoutError: There was no place in time.
        """
        now = time.monotonic()
        if not self._waiting and self._busy < self._limiter.limit and not self._pace.delay(now):
            self._busy += 1
            self._pace.started(now)
            return now
        await self._queue(timeout * PATIENCE)
        return time.monotonic()

    def leave(self) -> None:
        """Give the place back."""
        self._busy -= 1
        if self._waiting:
            self._admit()

    def answered(self) -> None:
        """A request has been answered in full; called before `leave`."""
        self._limiter.answered(time.monotonic(), busy=self._busy)

    def overloaded(self, started: float) -> None:
        """A request that entered at `started` was refused or not answered in time."""
        self._limiter.refused(time.monotonic(), started=started)

    def heed(self, status: int, headers: Mapping[str, str], started: float) -> float | None:
        """Obey the headers of a response; returns the seconds of `Retry-After`, where it is set."""
        if status in OVERLOADED:
            self.overloaded(started)
        elif REMAINING[0] not in headers and REMAINING[1] not in headers:
            return None
        clock = time.time()
        pause = retry_after(headers, clock) if status in OVERLOADED else None
        notice = Notice(pause) if pause else exhausted(headers, clock)
        if notice:
            self._pace.heed(notice, time.monotonic())
        else:
            self._pace.relax()
        return pause

    async def _queue(self, patience: float) -> None:
        place = self._loop.create_future()
        self._waiting.append(place)
        self._admit()
        try:
            async with asyncio.timeout(patience):
                await place
        except TimeoutError:
            self._forget(place)
            if left := self._pace.delay(time.monotonic()):
                raise _closed(left) from None
            raise
        except asyncio.CancelledError:
            self._forget(place)
            raise

    def _forget(self, place: asyncio.Future[None]) -> None:
        """Whoever waited has gone; a place that was given in the same moment goes to the next."""
        if place.done() and not place.cancelled():
            self.leave()
        elif place in self._waiting:
            self._waiting.remove(place)

    def _admit(self) -> None:
        """Let in who may; while the endpoint rests, come back when it has rested."""
        while self._waiting and self._busy < self._limiter.limit:
            now = time.monotonic()
            if delay := self._pace.delay(now):
                if self._timer is None:
                    self._timer = self._loop.call_later(delay, self._reopen)
                return
            place = self._waiting.popleft()
            if not place.done():
                self._busy += 1
                self._pace.started(now)
                place.set_result(None)

    def _reopen(self) -> None:
        self._timer = None
        self._admit()


_GATES: WeakValueDictionary[tuple[int, Origin], Gate] = WeakValueDictionary()


def gate_of(origin: Origin, most: int) -> Gate:
    """The gate of an endpoint in the running event loop: one for all who ask it."""
    # A gate holds its loop, so that no other loop can have its number while the gate is there.
    key = (id(asyncio.get_running_loop()), origin)
    gate = _GATES.get(key)
    if gate is None:
        gate = _GATES[key] = Gate(most)
    gate.bound(most)
    return gate


def _closed(left: float) -> EngineError:
    what = f"the endpoint asks to be left alone for {left:.3g} s more, longer than could be waited"
    return EngineError(what, retry_after=left)
