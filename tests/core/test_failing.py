"""When a conversation counts as failed, and how its requests are made again."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from builders_runs import CANDIDATE, Behaviour, Case
from gatekeeper.core.failing import Exchange, Talk, asked
from gatekeeper.model.record import CallRow, ScoreRow


def exchange(turn=0, error=None, **changes):
    request, call, *_ = Case(CANDIDATE, "quality", 5, Behaviour()).rows()
    assert isinstance(call, CallRow)
    call = call.model_copy(update={"error": error, "outcome": "error" if error else "ok"})
    return Exchange(request.model_copy(update={"turn": turn, **changes}), (call,))


def score(value, error=None, detail=None):
    return ScoreRow(request_id="r", scorer="facts", value=value, error=error, detail=detail)


def test_a_sound_conversation_has_not_failed():
    assert Talk("candidate", (exchange(),), (score(1.0), score(0.4)), resolved=True).failures == ()
    assert Talk("candidate", (exchange(),)).failures == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"status": "error", "reason": "engine_timeout"}, "error engine_timeout"),
        ({"status": "error", "reason": "down", "error": "port shut"}, "error down: port shut"),
        ({"policy_violation": True}, "a policy was violated"),
        ({"schema_valid": False}, "the answer does not fit its schema"),
        ({"forbidden_tool_calls": 2}, "2 forbidden tool calls"),
        ({"suite": "benign", "refused": True}, "a harmless request was refused"),
        ({"suite": "benign", "status": "blocked"}, "a harmless request was refused"),
    ],
)
def test_every_way_in_which_a_request_fails(changes, said):
    assert Talk("candidate", (exchange(**changes),)).failures == (said,)
    second = Talk("candidate", (exchange(), exchange(1, **changes)))
    assert second.failures == (f"{said} (turn 2)",)


def test_outcomes_and_scores_that_fail():
    talk = Talk(
        "candidate",
        (exchange(),),
        (score(0.0, detail="lacks 24 months"), score(None, "ValueError: x"), score(-0.5)),
        resolved=False,
    )
    assert talk.failures == (
        "the need was not met",
        "facts is 0: lacks 24 months",
        "the scorer facts failed: ValueError: x",
        "facts is -0.5",
    )


def test_a_request_is_made_again_with_the_turns_before_it():
    talk = Talk(
        "candidate",
        (
            exchange(input="first", answer="one", tenant="acme"),
            exchange(1, input="second", tenant="acme", task_class="lookup", schema_valid=True),
        ),
    )
    made = asked(talk, 1)
    assert [(turn.role, turn.content) for turn in made.history] == [
        ("user", "first"),
        ("assistant", "one"),
    ]
    assert (made.input, made.tenant_id, made.task_class) == ("second", "acme", "lookup")
    assert (made.response_format, asked(talk, 0).response_format) == ("json", "text")


def test_what_tools_said_is_not_recorded_and_calls_of_them_are_no_turns_of_their_own():
    tool = CallRow(
        request_id="r", attempt=1000, kind="tool", model="order", latency_us=0, outcome="ok"
    )
    calling = exchange(input="first", answer="<tool>order {}</tool>")
    calling = Exchange(calling.request, (*calling.calls, tool))
    going_on = exchange(1, input="first", answer="one")
    talk = Talk("candidate", (calling, going_on, exchange(2, input="second")))
    assert asked(talk, 0).history == ()
    with pytest.raises(ValueError, match="what its tools said is not recorded"):
        asked(talk, 1)
    assert [turn.content for turn in asked(talk, 2).history] == ["first", "one"]


def test_a_record_without_its_input_cannot_be_made_again():
    with pytest.raises(ValidationError):
        asked(Talk("candidate", (exchange(input=""),)), 0)
