"""One reference, taken whole and replaced whole."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from gatekeeper.errors import UnavailableError
from gatekeeper.runtime.following import Target
from gatekeeper.runtime.live import Live, Opened, Switch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class House:
    """Something to open and close, which says whether it is open."""

    def __init__(self, *, jammed: bool = False) -> None:
        self.open = False
        self.jammed = jammed

    @asynccontextmanager
    async def visit(self) -> AsyncIterator[Any]:
        self.open = True
        yield self
        if self.jammed:
            raise OSError("jammed")
        self.open = False


async def live(house: House, serial: int) -> Live:
    return Live(Target("L", serial, "e", f"v{serial}"), await Opened.enter(house.visit()))


def test_nothing_live_is_unavailable() -> None:
    with pytest.raises(UnavailableError, match="no release"), Switch().lease():
        pass


def test_a_request_keeps_what_it_took() -> None:
    async def story() -> None:
        switch, old, new = Switch(), House(), House()
        switch.swap(await live(old, 1))
        with switch.lease() as mine:
            switch.swap(await live(new, 2))
            await asyncio.sleep(0)
            assert (mine.target.serial, old.open, switch.in_flight) == (1, True, 1)
            with switch.lease() as other:
                assert other.target.serial == 2
        await asyncio.sleep(0.01)
        assert (old.open, new.open, switch.in_flight) == (False, True, 0)
        await switch.drain()
        assert not new.open

    asyncio.run(story())


def test_an_idle_release_is_closed_at_once() -> None:
    async def story() -> None:
        switch, old = Switch(), House()
        switch.swap(await live(old, 1))
        switch.swap(None)
        await switch.drain()
        assert not old.open

    asyncio.run(story())


def test_restating_keeps_the_pipeline_open() -> None:
    async def story() -> None:
        switch, house = Switch(), House()
        switch.restate(Target("L", 1, "e", "v1"))
        assert switch.current is None
        switch.swap(await live(house, 1))
        switch.restate(Target("L", 2, "e", "v1"))
        await asyncio.sleep(0.01)
        assert house.open
        with switch.lease() as mine:
            assert mine.target.serial == 2
        await switch.drain()
        assert not house.open

    asyncio.run(story())


def test_a_failing_request_lets_go() -> None:
    async def story() -> None:
        switch, house = Switch(), House()
        switch.swap(await live(house, 1))
        with pytest.raises(ValueError, match="boom"), switch.lease():
            raise ValueError("boom")
        await switch.drain()
        assert not house.open

    asyncio.run(story())


def test_a_pipeline_that_does_not_close_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        switch = Switch()
        switch.swap(await live(House(jammed=True), 1))
        await switch.drain()

    asyncio.run(story())
    assert "jammed" in caplog.text
