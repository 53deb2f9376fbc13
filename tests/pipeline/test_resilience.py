"""Retries, time limits, fallback and circuit breakers."""

from __future__ import annotations

import asyncio
import time

import pytest
from tests.pipeline.desks import desk

from gatekeeper.errors import EngineError, UnavailableError
from gatekeeper.pipeline.resilience import is_retryable


def down(**fields):
    return EngineError("down", **fields)


async def test_a_transport_error_is_tried_again():
    made = desk(says=[down(), "24 months [1]"])
    served = await made.ask()
    assert [call.outcome for call in served.calls] == ["error", "ok"]
    assert [call.attempt for call in served.calls] == [1, 2]
    assert served.calls[0].nano_usd == 0
    assert (served.response.status, served.response.route) == ("ok", "big")


async def test_what_cannot_succeed_is_not_tried_again():
    served = await desk(says=[down(retryable=False)]).ask()
    assert [call.tier for call in served.calls] == ["big", "small"]
    assert (served.response.status, served.response.reason) == ("degraded", "fallback")
    assert served.response.route == "small"


async def test_an_outside_system_that_is_down_is_tried_again():
    made = desk(says=[UnavailableError("no route to host"), "24 months [1]"])
    assert (await made.ask()).response.status == "ok"


async def test_a_slow_tier_gives_way_to_its_fallback():
    tiers = {"big": {"timeout_seconds": 0.02, "retry": {"attempts": 1}}}
    made = desk(router={"tiers": tiers})
    made.big.seconds = 5
    served = await made.ask()
    assert [call.outcome for call in served.calls] == ["timeout", "ok"]
    assert made.big.seen[0][2] == pytest.approx(0.02)


async def test_when_every_tier_is_too_slow_the_record_says_so():
    tiers = {"big": {"timeout_seconds": 0.02, "retry": {"attempts": 1}, "fallback": None}}
    made = desk(router={"tiers": tiers})
    made.big.seconds = 5
    assert (await made.ask()).request.reason == "engine_timeout"


async def test_a_circuit_opens_after_failures_in_a_row_and_closes_again():
    breaker = {"failures": 2, "reset_seconds": 0.2}
    made = desk(
        says=[down(), down(), "24 months [1]"],
        router={"tiers": {"big": {"circuit_breaker": breaker}}},
    )
    assert (await made.ask()).response.route == "small"
    started = time.monotonic()
    served = await made.ask()
    if time.monotonic() - started < 0.15:
        assert [call.outcome for call in served.calls] == ["circuit_open", "ok"]
        assert len(made.big.seen) == 2
    await asyncio.sleep(0.25)
    assert (await made.ask()).response.route == "big"
    assert (await made.ask()).response.route == "big"


async def test_an_open_circuit_without_fallback_is_an_error_with_that_reason():
    tiers = {
        "big": {
            "fallback": None,
            "retry": {"attempts": 1},
            "circuit_breaker": {"failures": 1, "reset_seconds": 60.0},
        }
    }
    made = desk(says=[down()], router={"tiers": tiers})
    await made.ask()
    assert (await made.ask()).request.reason == "circuit_open"


@pytest.mark.parametrize("refusal", [{"retryable": False}, {"retry_after": 0.0}])
async def test_a_request_that_the_engine_refuses_does_not_open_the_circuit(refusal):
    breaker = {"failures": 1, "reset_seconds": 60.0}
    made = desk(
        says=[down(**refusal), "24 months [1]"],
        router={"tiers": {"big": {"circuit_breaker": breaker}}},
    )
    await made.ask()
    assert (await made.ask()).response.route == "big"


async def test_the_pause_is_as_long_as_the_engine_asks_for():
    made = desk(says=[down(retry_after=0.15), "24 months [1]"])
    started = time.monotonic()
    assert (await made.ask()).response.status == "ok"
    assert time.monotonic() - started >= 0.15


async def test_a_pause_beyond_the_deadline_is_not_made():
    made = desk(says=[down(retry_after=60.0)])
    started = time.monotonic()
    served = await made.ask(deadline_ms=500)
    assert time.monotonic() - started < 0.5
    assert [call.tier for call in served.calls] == ["big", "small"]


async def test_pauses_are_jittered():
    pauses = []
    for _ in range(8):
        made = desk(
            says=[down(), "24 months [1]"],
            router={"tiers": {"big": {"retry": {"backoff_seconds": 0.05}}}},
        )
        started = time.monotonic()
        await made.ask()
        pauses.append(time.monotonic() - started)
    assert len({round(pause, 3) for pause in pauses}) > 2


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TimeoutError(), True),
        (UnavailableError("x"), True),
        (down(), True),
        (down(retryable=False), False),
        (ValueError(), False),
        (asyncio.CancelledError(), False),
    ],
)
def test_what_is_worth_another_attempt(error, expected):
    assert is_retryable(error) is expected
