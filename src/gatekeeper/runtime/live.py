"""The live release: one reference that requests take whole and the follower replaces whole.

All of this runs on the event loop, so that taking a reference and swapping cannot interleave.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.errors import GatekeeperError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractAsyncContextManager

    from gatekeeper.pipeline.pipeline import Pipeline
    from gatekeeper.runtime.following import Target

log = logging.getLogger(__name__)


class Opened:
    """An open pipeline and the number of its users; the last one to leave closes it."""

    def __init__(self, pipeline: Pipeline, stack: AsyncExitStack) -> None:
        self.pipeline = pipeline
        self.users = 1
        self._stack = stack

    @classmethod
    async def enter(cls, source: AbstractAsyncContextManager[Pipeline]) -> Opened:
        """Open a pipeline, with one user: the caller."""
        stack = AsyncExitStack()
        return cls(await stack.enter_async_context(source), stack)

    async def close(self) -> None:
        """Free it; a failure to do so is told and hurts no request."""
        try:
            await self._stack.aclose()
        except (GatekeeperError, OSError) as error:
            log.warning("closing a pipeline: %s", error)


@dataclass(frozen=True, slots=True)
class Live:
    """One release under one serial, and its pipeline."""

    target: Target
    opened: Opened

    @property
    def release(self) -> str:
        """Digest of the release."""
        return self.target.release or ""


class Switch:
    """Holds the live release."""

    def __init__(self) -> None:
        self.current: Live | None = None
        self.in_flight = 0
        self._closing: set[asyncio.Task[None]] = set()

    @contextmanager
    def lease(self) -> Iterator[Live]:
        """The live release, for as long as one request takes, whatever is swapped in meanwhile.

        Raises:
            UnavailableError: Nothing is live.
        """
        live = self.current
        if live is None:
            raise UnavailableError("no release is loaded", fix="GET /readyz says why")
        live.opened.users += 1
        self.in_flight += 1
        try:
            yield live
        finally:
            self.in_flight -= 1
            self._leave(live.opened)

    def swap(self, live: Live | None) -> None:
        """Make `live` the one that the next request gets; the old one ends with its requests.

        The caller's use of `live.opened` passes to the switch.
        """
        old, self.current = self.current, live
        if old is not None:
            self._leave(old.opened)

    def restate(self, target: Target) -> None:
        """The same pipeline, under the serial of a newer entry."""
        if self.current is not None:
            self.current.opened.users += 1
            self.swap(Live(target, self.current.opened))

    async def drain(self) -> None:
        """Let go of the live release and wait until every pipeline is closed."""
        self.swap(None)
        while self._closing:
            await asyncio.gather(*self._closing)

    def _leave(self, opened: Opened) -> None:
        opened.users -= 1
        if opened.users == 0:
            task = asyncio.get_running_loop().create_task(opened.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
