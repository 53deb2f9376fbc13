"""Ceilings hold, whatever a model does; breach actions are taken in their order."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pipeline.desks import HandClock, desk

from gatekeeper.errors import EngineError
from gatekeeper.pipeline.budgets import DAY_US, SpendMeter
from gatekeeper.pipeline.pipeline import Context

ALL = ["downgrade_model", "reduce_context", "require_human_approval"]


def budgets(actions=(), day=None, **per_request):
    return {
        "per_request": per_request,
        "per_day": {"usd": day},
        "actions": {"on_budget_breach": list(actions)},
    }


async def test_without_actions_a_breach_is_refused_before_the_model_is_called():
    made = desk(budgets=budgets(input_tokens=10))
    served = await made.ask()
    assert (served.response.status, served.response.reason) == ("blocked", "budget_breach")
    assert served.calls == ()


async def test_downgrading_follows_the_fallback():
    made = desk(budgets=budgets(["downgrade_model"], usd=0.0001))
    served = await made.ask()
    assert (served.response.route, served.response.status) == ("small", "degraded")
    assert served.response.reason == "downgrade_model"
    assert served.request.breach_actions == ("downgrade_model",)


async def test_reducing_context_drops_the_worst_chunks_first():
    made = desk(budgets=budgets(["reduce_context"], input_tokens=260))
    served = await made.ask()
    assert served.request.sources == ("zentor.md#1", "zentor.md#2")
    assert served.request.breach_actions == ("reduce_context",)
    assert served.response.status == "degraded"


async def test_actions_are_tried_in_order_and_a_person_is_the_last():
    made = desk(budgets=budgets(ALL, input_tokens=20))
    served = await made.ask()
    assert (served.response.status, served.response.reason) == ("needs_review", "budget_breach")
    assert served.request.breach_actions == tuple(ALL)
    assert served.calls == ()


async def test_a_chain_that_ends_in_search_always_answers():
    tiers = {"small": {"fallback": "search"}, "search": {"fallback": None}}
    made = desk(budgets=budgets(["downgrade_model"], input_tokens=20), router={"tiers": tiers})
    served = await made.ask()
    assert (served.response.route, served.response.status) == ("search", "degraded")


async def test_the_context_length_of_the_model_is_a_ceiling_too():
    short = {"context_length": 60}
    made = desk(model={"models": {"big": {"pinned": True, **short}}})
    assert (await made.ask()).response.reason == "budget_breach"
    made = desk(model={"models": {"big": short}})
    assert (await made.ask()).response.status == "ok"


async def test_output_is_cut_to_what_is_left():
    made = desk(budgets=budgets(output_tokens=30))
    await made.ask()
    assert made.big.seen[0][1].max_tokens == 30


async def test_without_ceiling_the_release_decides_how_much_is_generated():
    made = desk(tools={"allow": {"open_ticket": None, "drop_table": None}})
    await made.ask()
    assert made.big.seen[0][1].max_tokens == 50


async def test_reasoning_budget_of_the_agent_guardrail_bounds_output():
    made = desk(tools={"guardrail": {"defaults": {"max_reasoning_budget_tokens": 7}}})
    await made.ask()
    assert made.big.seen[0][1].max_tokens == 7


async def test_tokens_are_counted_only_when_the_bound_does_not_fit():
    made = desk(budgets=budgets(input_tokens=500))
    counted = []

    class Counting:
        def bound(self, _):
            return limit

        def count(self, messages):
            counted.append(messages)
            return 400

    made.pipeline._purse._tokenizers = {"big": Counting(), "small": Counting()}
    limit = 500
    assert (await made.ask()).response.status == "ok"
    assert not counted
    limit = 501
    assert (await made.ask()).response.status == "ok"
    assert len(counted) == 1


async def test_failed_fallbacks_do_not_exceed_the_number_of_calls():
    made = desk(says=[EngineError("down")], budgets=budgets(model_calls=2))
    served = await made.ask()
    assert len(served.calls) == 2
    assert (served.request.status, served.request.reason) == ("error", "engine_unavailable")
    assert not made.small.seen


async def test_no_retries_means_none():
    made = desk(says=[EngineError("down")], budgets=budgets(retries=0))
    served = await made.ask()
    assert [call.tier for call in served.calls] == ["big", "small"]


# -- the day --------------------------------------------------------------------------------------


async def test_the_days_budget_of_a_workload_is_shared_by_its_requests():
    meter, clock = SpendMeter(), HandClock()
    made = desk(budgets=budgets(day=0.001), spend=meter, clock=clock)
    other = Context(lane="stable", workload="other")
    statuses = [(await made.ask()).response.status for _ in range(12)]
    assert statuses[0] == "ok"
    assert statuses[-1] == "blocked"
    assert meter.spent("answers", clock.time) <= 1_000_000
    assert (await made.ask(context=other)).response.status == "ok"
    clock.time += DAY_US
    assert (await made.ask()).response.status == "ok"


async def test_simultaneous_requests_cannot_overdraw_the_day():
    meter, clock = SpendMeter(), HandClock()
    made = desk(budgets=budgets(day=0.001), spend=meter, clock=clock)
    made.big.seconds = 0.01
    served = await asyncio.gather(*(made.ask() for _ in range(20)))
    assert {one.response.status for one in served} == {"ok", "blocked"}
    total = sum(one.response.cost_signals.nano_usd for one in served)
    assert meter.spent("answers", clock.time) == total <= 1_000_000


def test_a_reservation_is_settled_on_its_own_day_only():
    meter = SpendMeter()
    reservation = meter.reserve("w", DAY_US - 1, 100, None)
    assert meter.reserve("w", DAY_US, 5, None)
    meter.settle(reservation, 20)
    assert meter.spent("w", DAY_US) == 5


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=30))
def test_a_meter_never_passes_its_ceiling(amounts):
    meter = SpendMeter()
    for reserved, actual in amounts:
        reservation = meter.reserve("w", 0, reserved, 100)
        assert meter.spent("w", 0) <= 100
        if reservation:
            meter.settle(reservation, min(actual, reserved))
            assert meter.spent("w", 0) <= 100


@settings(deadline=None, max_examples=60)
@given(
    says=st.lists(
        st.sampled_from(["24 months [1]", "nonsense", "<tool>open_ticket {}</tool>", "down"]),
        min_size=1,
        max_size=4,
    ),
    tokens=st.integers(1, 60),
    limits=st.fixed_dictionaries(
        {
            "input_tokens": st.none() | st.integers(1, 900),
            "output_tokens": st.none() | st.integers(1, 80),
            "model_calls": st.none() | st.integers(1, 3),
            "retries": st.none() | st.integers(0, 2),
            "loop_depth": st.none() | st.integers(0, 2),
            "usd": st.none() | st.floats(0, 0.001),
        }
    ),
    actions=st.lists(st.sampled_from(ALL), unique=True),
    day=st.none() | st.floats(0, 0.001),
)
def test_budgets_are_never_exceeded(says, tokens, limits, actions, day):
    meter, clock = SpendMeter(), HandClock()
    lines = [EngineError(said) if said == "down" else said for said in says]
    made = desk(says=lines, spend=meter, clock=clock, budgets=budgets(actions, day, **limits))
    made.big.output_tokens = made.small.output_tokens = tokens
    served = asyncio.run(made.ask(response_format="json" if tokens % 2 else "text"))
    cost = served.response.cost_signals
    calls = served.calls
    assert cost.input_tokens <= (limits["input_tokens"] or 10**9)
    assert cost.output_tokens <= (limits["output_tokens"] or 10**9)
    assert len(calls) <= (limits["model_calls"] or 10**9)
    assert cost.nano_usd <= (10**18 if limits["usd"] is None else round(limits["usd"] * 1e9))
    assert meter.spent("answers", clock.time) == cost.nano_usd
    assert cost.nano_usd <= (10**18 if day is None else round(day * 1e9))
    if limits["retries"] is not None:
        fallbacks = len({call.tier for call in calls}) - 1
        assert len(calls) - 1 - max(0, fallbacks) <= limits["retries"]
