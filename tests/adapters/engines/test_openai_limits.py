"""What an endpoint asks for holds for all who ask it."""

from __future__ import annotations

import asyncio
import gc
import time
from itertools import pairwise

import pytest

from endpoints import EVENTS, Endpoint, answers, ask, asked, replies, seat, serving, streams
from gatekeeper.adapters.engines import openai
from gatekeeper.adapters.engines.openai.gate import gate_of
from gatekeeper.errors import EngineError, UnavailableError
from gatekeeper.model.components import Retry, Tier
from gatekeeper.pipeline.resilience import Resilience
from gatekeeper.pipeline.visit import Deadline


def slow(seconds, turn=None):
    """A turn that takes its time."""
    turn = turn or answers()

    async def later(line):
        await asyncio.sleep(seconds)
        await turn(line)

    return later


async def crowd(engine, count, **options):
    """So many requests at once, and what became of each."""
    tasks = [ask(engine, **options) for _ in range(count)]
    return await asyncio.gather(*tasks, return_exceptions=True)


def failed(results):
    return [one for one in results if isinstance(one, BaseException)]


BUSY = replies({"error": {"message": "slow down"}}, 429, Retry_After="0.3")


async def test_one_refusal_makes_all_wait(monkeypatch):
    times = []

    async def turn(line):
        times.append(time.monotonic())
        await (BUSY if len(times) == 1 else answers())(line)

    async with asked(Endpoint(turn), monkeypatch, max_concurrency=1) as engine:
        started = time.monotonic()
        results = await crowd(engine, 6)
        ended = time.monotonic()
    (refusal,) = failed(results)
    assert refusal.retryable
    assert refusal.retry_after == 0.3
    assert times[1] - times[0] >= 0.3
    assert ended - started < 5
    waited = [one.queue_us for one in results if one is not refusal]
    assert min(waited) >= 290_000


async def test_refusals_for_a_while_lose_no_sample(monkeypatch):
    opened = []

    async def turn(line):
        opened.append(time.monotonic())
        late = opened[-1] - opened[0] > 0.6
        await (answers() if late else BUSY)(line)

    tier = Tier(kind="model", model="desk", retry=Retry(attempts=4, backoff_seconds=0.01))
    resilience, deadline = Resilience(), Deadline(_Clock(), 10_000)
    async with asked(Endpoint(turn), monkeypatch) as engine:

        async def attempt():
            return await resilience.attempt("desk", tier, 5, lambda: ask(engine))

        results = await asyncio.gather(
            *(resilience.repeat(tier, 3, deadline, attempt) for _ in range(40))
        )
    assert [one.text for one in results] == ["24 months"] * 40
    # Only what was under way at a refusal can be refused with it: 8, then fewer and fewer.
    assert len(opened) < 40 + 20


class _Clock:
    def now_us(self):
        return time.time_ns() // 1000

    def monotonic_us(self):
        return time.monotonic_ns() // 1000


async def test_a_pause_that_is_too_long_fails_when_the_time_is_over_and_says_so(monkeypatch):
    endpoint = Endpoint(replies("no", 429, Retry_After="60"), answers())
    async with asked(endpoint, monkeypatch) as engine:
        with pytest.raises(EngineError, match="HTTP 429"):
            await ask(engine)
        started = time.monotonic()
        with pytest.raises(EngineError, match=r"left alone for 5\d") as caught:
            await ask(engine, timeout=0.2)
        assert 0.15 < time.monotonic() - started < 2
    assert caught.value.retryable
    assert caught.value.retry_after == pytest.approx(60, abs=3)
    assert len(endpoint.asked) == 1


USED_UP = {
    "x_ratelimit_remaining_requests": "0",
    "x_ratelimit_reset_requests": "6s",
    "x_ratelimit_limit_requests": "60",
}


async def test_a_limit_that_is_used_up_spaces_what_follows(monkeypatch):
    times = []

    async def turn(line):
        times.append(time.monotonic())
        await line.whole(COMPLETION, **USED_UP)

    async with asked(Endpoint(turn), monkeypatch) as engine:
        await ask(engine)
        assert not failed(await crowd(engine, 4))
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert all(0.09 < gap < 2 for gap in gaps)


COMPLETION = {
    "choices": [{"message": {"content": "24 months"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1},
}
REMAINS = {name: "5" if "remaining" in name else value for name, value in USED_UP.items()}


async def test_a_limit_that_is_not_used_up_costs_nothing(monkeypatch):
    async with asked(Endpoint(replies(COMPLETION, **REMAINS)), monkeypatch) as engine:
        started = time.monotonic()
        assert not failed(await crowd(engine, 20))
    assert time.monotonic() - started < 1


async def test_no_more_at_once_than_allowed(monkeypatch):
    endpoint = Endpoint(slow(0.005))
    async with asked(endpoint, monkeypatch, max_concurrency=3) as engine:
        assert not failed(await crowd(engine, 30))
    assert endpoint.busiest == 3


async def test_more_at_once_where_that_brings_more(monkeypatch):
    endpoint = Endpoint(slow(0.05))
    async with asked(endpoint, monkeypatch) as engine:
        assert not failed(await crowd(engine, 100, timeout=30))
    assert endpoint.busiest >= 16


@pytest.mark.parametrize("turn", [replies("busy", 503), replies("busy", 429), slow(1)])
async def test_fewer_at_once_where_that_is_too_much(monkeypatch, turn):
    async with asked(Endpoint(turn), monkeypatch) as engine:
        gate = engine._connection.gate
        assert gate.limit == 8
        assert len(failed(await crowd(engine, 8, timeout=0.2))) == 8
        assert gate.limit == 5


async def test_other_errors_change_nothing(monkeypatch):
    async with asked(Endpoint(replies("no", 500)), monkeypatch) as engine:
        await crowd(engine, 8)
        assert engine._connection.gate.limit == 8


async def test_who_gives_up_leaves_his_place(monkeypatch):
    endpoint = Endpoint(slow(0.05))
    async with asked(endpoint, monkeypatch, max_concurrency=1) as engine:
        tasks = [asyncio.create_task(ask(engine)) for _ in range(6)]
        await asyncio.sleep(0.02)
        for task in tasks[:4]:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one).__name__ for one in results[4:]] == ["Generation"] * 2
        await ask(engine)
    assert endpoint.busiest <= 2


async def test_who_gives_up_as_his_turn_comes_passes_it_on(monkeypatch):
    async with asked(Endpoint(answers()), monkeypatch, max_concurrency=1) as engine:
        gate = engine._connection.gate
        await gate.enter(1)
        waiting = [asyncio.create_task(gate.enter(1)) for _ in range(2)]
        await asyncio.sleep(0)
        gate.leave()
        waiting[0].cancel()
        await asyncio.wait_for(waiting[1], 0.5)
        assert waiting[0].cancelled()


async def test_no_place_in_time(monkeypatch):
    async with asked(Endpoint(slow(0.5)), monkeypatch, max_concurrency=1) as engine:
        first = asyncio.create_task(ask(engine))
        await asyncio.sleep(0.01)
        with pytest.raises(TimeoutError):
            await ask(engine, timeout=0.1)
        # It waited, and was never sent: that says nothing of the endpoint.
        assert engine._connection.gate.limit == 1
        await first


async def test_engines_of_one_endpoint_share_its_gate(monkeypatch):
    async with asked(Endpoint(answers()), monkeypatch) as one:
        other = await openai.open_engine(seat(max_concurrency=5))
        assert one._connection.gate is other._connection.gate
        assert one._connection.gate.limit == 5
        await other.close()


async def test_a_gate_goes_with_its_users():
    gate = gate_of(("http", "desk.invalid", 80), 4)
    assert gate_of(("http", "desk.invalid", 80), 9) is gate
    assert gate_of(("http", "desk.invalid", 81), 9).limit == 8
    del gate
    gc.collect()
    assert gate_of(("http", "desk.invalid", 80), 9).limit == 8


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"stream": "no"}, "stream is 'no'"),
        ({"logprobs": 0}, "logprobs is 0"),
        ({"max_concurrency": 0}, "max_concurrency is 0"),
        ({"max_concurrency": True}, "max_concurrency is True"),
    ],
)
def test_arguments_of_a_wrong_type(monkeypatch, args, message):
    monkeypatch.setenv(openai.BASE_URL, "http://127.0.0.1:1")
    with pytest.raises(UnavailableError, match=message):
        openai.installed(serving(**args))


async def test_time_in_the_queue_is_no_time_to_the_first_token(monkeypatch):
    async with asked(Endpoint(slow(0.1, streams(*EVENTS))), monkeypatch, max_concurrency=1) as it:
        started = time.monotonic()
        first, second = await crowd(it, 2)
        elapsed = (time.monotonic() - started) * 1e6
    assert first.queue_us + 90_000 < second.queue_us
    assert second.time_to_first_token_us >= 90_000
    assert second.queue_us + second.time_to_first_token_us <= elapsed
