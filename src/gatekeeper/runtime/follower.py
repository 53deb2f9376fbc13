"""Follows one ledger: verify the head, open its release, swap it in whole.

A head that cannot be verified or opened changes nothing: the last good release goes on serving and
the trouble is told in `/readyz`, in `/v1/release` and once in the log.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gatekeeper.errors import GatekeeperError
from gatekeeper.runtime.following import Mark, Step, Target, decide
from gatekeeper.runtime.live import Live, Opened, Switch

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from gatekeeper.pipeline.pipeline import Pipeline
    from gatekeeper.runtime.watermark import Watermark

log = logging.getLogger(__name__)
INTERVAL = 0.2
AUDIT = 30.0
RETRY_FIRST = 1.0
RETRY_MOST = 15.0


class Source(Protocol):
    """The ledger and the releases, as the follower needs them. All but `open` may block."""

    def head(self) -> int:
        """Serial of the last entry; cheap, not verified."""
        ...

    def target(self, serial: int) -> Target:
        """What the ledger up to `serial` asks for, its chain and its release fully verified."""
        ...

    def entry(self, serial: int) -> str:
        """sha256 of the bytes of entry `serial`."""
        ...

    def open(self, target: Target) -> AbstractAsyncContextManager[Pipeline]:
        """The release of `target`, materialised."""
        ...


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the head is not what is served."""

    serial: int | None
    what: str
    where: str
    code: str
    fix: str = ""


@dataclass(slots=True)
class Counters:
    """What happened since the start."""

    swaps: int = 0
    refused: int = 0
    """Distinct bad heads."""
    last_swap_us: int = 0
    """From seeing the last new head to serving it."""


class Follower:
    """Keeps `switch` at what the head of the ledger asks for."""

    def __init__(self, source: Source, switch: Switch, watermark: Watermark) -> None:
        self.trouble: Trouble | None = Trouble(None, "loading", "", "loading")
        self.counters = Counters()
        self._source = source
        self._switch = switch
        self._watermark = watermark
        self._mark: Mark | None = None
        self._head: int | None = None
        self._due = 0.0
        self._wait = RETRY_FIRST

    async def run(self, interval: float = INTERVAL) -> None:
        """Follow until cancelled."""
        while True:
            await self.check()
            await asyncio.sleep(interval)

    async def check(self) -> None:
        """Look at the head once, and act when it is new or when it is time to look again."""
        head: int | None = None
        try:
            head = await asyncio.to_thread(self._source.head)
            if head == self._head and time.monotonic() < self._due:
                return
            await self._follow(head)
        except Exception as error:  # noqa: BLE001 - a dead follower would serve the old in silence
            self._failed(head, _trouble(head, error))
            await self._fall_back(head)

    async def _follow(self, head: int) -> None:
        began = time.monotonic_ns()
        while not await self._settled(head, began):
            head = await asyncio.to_thread(self._source.head)
        if self.trouble is not None and self.trouble.serial is not None:
            log.warning("the head of the ledger is good again: entry %d", head)
        self._head, self._due, self._wait = head, time.monotonic() + AUDIT, RETRY_FIRST
        self.trouble = None
        if self._switch.current is None:
            self.trouble = Trouble(
                None, "no release has been promoted", "ledger", "empty", "gatekeeper promote"
            )

    def _read(self, head: int) -> tuple[Target, str | None]:
        if self._mark is None:
            self._mark = self._watermark.read()
        target = self._source.target(head)
        if self._mark is None or target.serial < self._mark.serial:
            return target, None
        return target, self._source.entry(self._mark.serial)

    async def _settled(self, head: int, began: int) -> bool:
        """Serve what `head` asks for; False where the ledger has moved on in the meantime."""
        step, target = await self._decided(head)
        if step is Step.open:
            opened = await Opened.enter(self._source.open(target))
            if await asyncio.to_thread(self._source.head) > head:
                await opened.close()
                return False
            await self._serve(target, opened, began)
        elif step is Step.restate:
            await self._remember(target)
            self._switch.restate(target)
        return True

    async def _decided(self, head: int) -> tuple[Step, Target]:
        target, anchor = await asyncio.to_thread(self._read, head)
        live = self._switch.current
        served = live.target if live else None
        return decide(target, live=served, mark=self._mark, anchor=anchor), target

    async def _serve(self, target: Target, opened: Opened, began: int) -> None:
        await self._remember(target)
        self._switch.swap(Live(target, opened))
        self._swapped(target, began)

    def _swapped(self, target: Target, began: int) -> None:
        self.counters.swaps += 1
        self.counters.last_swap_us = (time.monotonic_ns() - began) // 1000
        milliseconds = self.counters.last_swap_us / 1000
        log.info("serving %s, entry %d (%.0f ms)", target.release, target.serial, milliseconds)

    async def _remember(self, target: Target) -> None:
        self._mark = target.mark
        try:
            await asyncio.to_thread(self._watermark.advance, target.mark)
        except (OSError, GatekeeperError) as error:
            # Not a reason to withhold a release, which may be the rollback that frees the disk.
            log.warning("the highest serial served was not written: %s", error)

    def _failed(self, head: int | None, trouble: Trouble) -> None:
        if trouble != self.trouble:
            self.counters.refused += 1
            kept = self._switch.current
            keeps = f"still serving entry {kept.target.serial}" if kept else "nothing is served"
            log.error("refused: %s: %s; %s", trouble.where, trouble.what, keeps)
        self.trouble = trouble
        self._wait = RETRY_FIRST if head != self._head else min(2 * self._wait, RETRY_MOST)
        self._head, self._due = head, time.monotonic() + self._wait

    async def _fall_back(self, head: int | None) -> None:
        """After a restart under a bad head: the last good entry is the last one served."""
        mark = self._mark
        if self._switch.current or mark is None or head is None or mark.serial >= head:
            return
        try:
            _, target = await self._decided(mark.serial)
            opened = await Opened.enter(self._source.open(target))
            await self._serve(target, opened, time.monotonic_ns())
        except Exception as error:  # noqa: BLE001 - as above
            log.warning("entry %d, the last one served, is refused too: %s", mark.serial, error)


def _trouble(head: int | None, error: Exception) -> Trouble:
    where = "ledger" if head is None else f"ledger entry {head}"
    if isinstance(error, GatekeeperError):
        return Trouble(head, error.what, error.where or where, error.code, error.fix)
    if isinstance(error, OSError):
        return Trouble(head, str(error), where, "unavailable")
    log.error("following the ledger", exc_info=error)
    return Trouble(head, f"{type(error).__name__}: {error}", where, "bug")
