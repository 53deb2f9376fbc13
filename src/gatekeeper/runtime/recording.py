"""Records off the hot path: a bounded queue and one thread that writes."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from gatekeeper.errors import GatekeeperError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatekeeper.model.record import Row
    from gatekeeper.ports import RecordStore

log = logging.getLogger(__name__)
CAPACITY = 20_000
BATCH = 1_000
PAUSE = 0.05
RETRY = 1.0


@dataclass(frozen=True, slots=True)
class RecordState:
    """How the writing of records goes."""

    written: int
    waiting: int
    dropped: int
    problem: str


class RecordWriter:
    """Takes rows at once and writes them soon; never blocks and never fails a request.

    While the disk refuses, rows wait, up to `capacity`; what comes then is dropped and counted.
    """

    def __init__(self, store: RecordStore, *, capacity: int = CAPACITY) -> None:
        self._store = store
        self._capacity = capacity
        self._rows: deque[Row] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._written = self._dropped = 0
        self._problem = ""
        self._thread = threading.Thread(target=self._work, name="records", daemon=True)
        self._thread.start()

    @property
    def state(self) -> RecordState:
        """Counters, and the last error while it lasts."""
        with self._wake:
            return RecordState(self._written, len(self._rows), self._dropped, self._problem)

    def put(self, rows: Iterable[Row]) -> None:
        """Queue the rows of one request, all or none."""
        taken = tuple(rows)
        with self._wake:
            if len(self._rows) + len(taken) > self._capacity:
                self._dropped += len(taken)
            else:
                self._rows.extend(taken)

    def close(self, timeout: float) -> bool:
        """Write what waits, for at most `timeout` seconds; returns whether all was written."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        self._thread.join(timeout)
        state = self.state
        if lost := state.waiting + state.dropped:
            log.error("%d record rows were not written: %s", lost, state.problem or "out of time")
        return state.waiting == 0 and not self._thread.is_alive()

    def _work(self) -> None:
        while True:
            batch, closing = self._next()
            if batch:
                self._write(batch, closing=closing)
            elif closing:
                return
            else:
                with self._wake:
                    self._wake.wait_for(lambda: self._closing, PAUSE)

    def _next(self) -> tuple[list[Row], bool]:
        with self._wake:
            return list(islice(self._rows, BATCH)), self._closing

    def _write(self, batch: list[Row], *, closing: bool) -> None:
        try:
            self._store.write(batch)
        except (OSError, GatekeeperError) as error:
            self._refused(error.what if isinstance(error, GatekeeperError) else str(error))
            with self._wake:
                self._wake.wait_for(lambda: self._closing, RETRY)
            if closing:
                time.sleep(RETRY / 10)
            return
        with self._wake:
            for _ in batch:
                self._rows.popleft()
            self._written += len(batch)
            if self._problem:
                log.warning("records are being written again")
            self._problem = ""

    def _refused(self, problem: str) -> None:
        with self._wake:
            if problem != self._problem:
                log.error("records cannot be written, %d rows wait: %s", len(self._rows), problem)
            self._problem = problem
