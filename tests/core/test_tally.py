"""What is counted of an evaluation."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from builders_runs import CANDIDATE, Behaviour, Case
from gatekeeper.core.tally import STILL, Pace, Tally, remaining
from gatekeeper.model.record import CallRow, ScoreRow

BEHAVIOUR = Behaviour(retries=0)


def conversation(number=0, suite="quality", **changes):
    """The rows of one conversation: a request, a call, an outcome; with other values of a call."""
    rows = list(Case(CANDIDATE, suite, number, BEHAVIOUR).rows())
    return [row.model_copy(update=changes) if isinstance(row, CallRow) else row for row in rows]


def failed(reason, error):
    request, call, *rest = conversation()
    request = request.model_copy(update={"status": "error", "reason": reason})
    return [request, call.model_copy(update={"outcome": "error", "error": error}), *rest]


def test_what_earlier_sittings_finished_counts_as_done_and_not_as_speed():
    tally = Tally.of({"quality": 10, "load": 5}, {"quality": 4})
    tally.add("quality", conversation())
    assert (tally.suites["quality"].done, tally.finished, tally.left) == (5, 1, 10)


def test_answers_from_the_response_cache_are_counted_and_cost_nothing():
    tally = Tally.of({"quality": 3}, {})
    tally.add("quality", conversation(nano_usd=700, input_tokens=5, output_tokens=2))
    tally.add("quality", conversation(nano_usd=700, from_cache=True))
    assert (tally.nano_usd, tally.tokens_in, tally.tokens_out) == (700, 5, 2)
    assert (tally.calls, tally.cached) == (2, 1)


def test_errors_are_counted_with_the_most_common_reason_and_its_last_cause():
    tally = Tally.of({"quality": 4}, {})
    tally.add("quality", failed("engine_timeout", None))
    for port in (1, 2):
        tally.add("quality", failed("engine_unavailable", f"connection {port} refused"))
    tally.add("quality", conversation())
    assert (tally.errors, tally.suites["quality"].errors) == (3, 3)
    assert tally.worst == "engine_unavailable: connection 2 refused"


def test_a_scorer_that_crashed_is_counted():
    tally = Tally.of({"quality": 1}, {})
    crash = ScoreRow(request_id="r", scorer="exact", value=None, error="ValueError: x")
    tally.add("quality", [*conversation(), crash])
    assert (tally.errors, tally.scorer_errors) == (0, 1)


def test_reasons_cannot_fill_the_memory():
    tally = Tally.of({"quality": 1000}, {})
    for number in range(1000):
        tally.add("quality", failed(f"reason {number}", "x"))
    assert (tally.errors, len(tally.reasons), len(tally.causes)) == (1000, 100, 100)


def test_every_suite_is_projected_at_its_own_mean_and_an_unknown_one_at_the_mean_of_all():
    tally = Tally.of({"quality": 4, "load": 10, "safety": 1}, {"quality": 1})
    assert tally.projected() is None
    tally.add("quality", conversation(nano_usd=100))
    tally.add("load", conversation(suite="load", nano_usd=10))
    assert tally.projected() == 110 + 2 * 100 + 9 * 10 + 55


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=20), st.integers(0, 50))
def test_a_projection_is_at_least_what_was_spent_and_exact_at_the_end(costs, more):
    tally = Tally.of({"quality": len(costs) + more}, {})
    for cost in costs:
        tally.add("quality", conversation(nano_usd=cost))
    assert tally.projected() >= tally.nano_usd == sum(costs)
    assert more or tally.projected() == sum(costs)


def test_rates_are_of_the_last_seconds():
    tally, pace = Tally.of({"quality": 1000}, {}), Pace()
    assert pace.look(0.0, tally) == STILL
    for second in range(1, 101):
        for _ in range(10 if second > 50 else 1):
            tally.add("quality", conversation(input_tokens=3, output_tokens=1))
        rates = pace.look(float(second), tally)
    assert rates.conversations == 10
    assert (rates.tokens_in, rates.tokens_out) == (30, 10)
    assert remaining(tally, rates) == 45
    assert remaining(tally, STILL) is None
