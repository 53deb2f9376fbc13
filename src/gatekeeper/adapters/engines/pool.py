"""Engines shared by releases that pin the same weights and the same serving."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Hashable

    from gatekeeper.ports import Engine


@dataclass(slots=True)
class Shared:
    """An engine, or the one that is being opened, and how many use it."""

    engine: asyncio.Future[Engine]
    users: int = 0


class EnginePool:
    """Engines by key; the last user of one closes it. For one event loop."""

    def __init__(self) -> None:
        self._shared: dict[Hashable, Shared] = {}

    def __len__(self) -> int:
        return len(self._shared)

    @asynccontextmanager
    async def lease(
        self, key: Hashable, opened: Callable[[], Awaitable[Engine]]
    ) -> AsyncIterator[Engine]:
        """The engine for `key`, opened by `opened` unless somebody has it already."""
        shared = self._shared.get(key)
        if shared is None:
            shared = self._shared[key] = Shared(asyncio.ensure_future(_run(opened)))
        shared.users += 1
        try:
            # One caller giving up must not take the engine from the others.
            yield await asyncio.shield(shared.engine)
        finally:
            shared.users -= 1
            if not shared.users:
                self._shared.pop(key, None)
                await _close(shared.engine)


async def _run(opened: Callable[[], Awaitable[Engine]]) -> Engine:
    return await opened()


async def _close(opening: asyncio.Future[Engine]) -> None:
    await asyncio.wait([opening])
    if not opening.cancelled() and opening.exception() is None:
        await opening.result().close()
