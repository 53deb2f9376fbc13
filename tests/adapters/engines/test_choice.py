"""Which engine serves a release, and how engines are shared."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from gatekeeper.adapters import engines
from gatekeeper.adapters.engines.pool import EnginePool
from gatekeeper.errors import UnavailableError, UsageError
from gatekeeper.model.components import EngineRequirement, Serving


def serving(*names, **versions):
    return Serving(
        engines=tuple(EngineRequirement(name=name, version=versions.get(name)) for name in names)
    )


def test_the_first_engine_that_is_there_serves():
    assert engines.choose(serving("embedded", "openai")) == "embedded"
    assert engines.choose(serving("recorded", "embedded")) == "embedded"


def test_a_version_out_of_range_is_passed_over(monkeypatch):
    monkeypatch.setenv("GATEKEEPER_OPENAI_BASE_URL", "http://127.0.0.1:1")
    assert engines.choose(serving("embedded", "openai", embedded=">=99")) == "openai"
    assert engines.choose(serving("embedded", embedded=">=4,<99")) == "embedded"


def test_an_engine_that_the_release_does_not_accept_is_bad_usage():
    with pytest.raises(UsageError, match="does not accept the engine 'vllm'") as caught:
        engines.choose(serving("embedded", "openai"), "vllm")
    assert "embedded, openai" in caught.value.fix


def test_when_none_is_there_each_says_why(monkeypatch):
    monkeypatch.delenv("GATEKEEPER_OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("GATEKEEPER_RESPONSES", raising=False)
    wanted = serving("embedded", "openai", "recorded", embedded="<1")
    with pytest.raises(UnavailableError) as caught:
        engines.choose(wanted)
    assert "is installed, <1 is accepted" in caught.value.what
    assert "openai: GATEKEEPER_OPENAI_BASE_URL names no endpoint" in caught.value.what
    assert "recorded: no file of responses is named" in caught.value.what
    assert "export GATEKEEPER_OPENAI_BASE_URL=http" in caught.value.fix
    assert "give one with --responses" in caught.value.fix


def test_a_version_range_that_is_none_is_named():
    with pytest.raises(UnavailableError, match="no version range"):
        engines.choose(serving("embedded", embedded="4.x and up"))


@dataclass
class Opened:
    closed: bool = False

    async def close(self):
        self.closed = True


async def test_the_same_key_shares_one_engine_until_the_last_user_leaves():
    pool, made = EnginePool(), []

    async def opened():
        await asyncio.sleep(0.01)
        made.append(Opened())
        return made[-1]

    async def use(seconds):
        async with pool.lease("k", opened) as engine:
            await asyncio.sleep(seconds)
            assert not engine.closed
            return engine

    first, second = await asyncio.gather(use(0.01), use(0.05))
    assert first is second
    assert (len(made), made[0].closed, len(pool)) == (1, True, 0)
    async with pool.lease("k", opened) as other, pool.lease("x", opened) as third:
        assert len({id(first), id(other), id(third)}) == 3


async def test_an_engine_that_cannot_be_opened_leaves_nothing_behind():
    pool = EnginePool()

    async def broken():
        raise UnavailableError("no model")

    for _ in range(2):
        with pytest.raises(UnavailableError):
            async with pool.lease("k", broken):
                pass
    assert len(pool) == 0


async def test_one_caller_that_gives_up_leaves_the_engine_to_the_others():
    pool, made = EnginePool(), []

    async def opened():
        await asyncio.sleep(0.05)
        made.append(Opened())
        return made[-1]

    async def use():
        async with pool.lease("k", opened) as engine:
            return engine.closed

    one, two = asyncio.create_task(use()), asyncio.create_task(use())
    await asyncio.sleep(0.01)
    one.cancel()
    assert await two is False
    assert made[0].closed
    with pytest.raises(asyncio.CancelledError):
        await one
