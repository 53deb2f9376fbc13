"""Composition: engines that stay open between the runs of mixed releases."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from gatekeeper.adapters.assembly import Means
    from gatekeeper.adapters.fleet import Entrant
    from gatekeeper.model.run import RunOptions


@dataclass(slots=True)
class OpenEngines:
    """Engines of two releases, opened before the first run that asks anything, and no sooner.

    What was evaluated before needs no engine, and a large one takes minutes to load.
    """

    means: Means
    options: RunOptions
    _key: frozenset[tuple[str, str]] = frozenset()
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def hold(self, candidate: Entrant, baseline: Entrant) -> None:
        """Keep the engines of two releases open, where they fit together; others are let go."""
        from gatekeeper.adapters.fleet import ReleaseFleet, Terms

        both = [one.release.component_digests for one in (candidate, baseline)]
        key = frozenset((digests["model"], digests["serving"]) for digests in both)
        if key == self._key:
            return
        await self._stack.aclose()
        self._key = key
        terms = Terms(
            engine=self.options.engine, responses=self.options.responses, allow_drift=True
        )
        fleet = ReleaseFleet({"candidate": candidate, "baseline": baseline}, self.means, terms)
        if len(crews := fleet.crews()) == 1:
            await self._stack.enter_async_context(fleet.open(crews[0]))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
