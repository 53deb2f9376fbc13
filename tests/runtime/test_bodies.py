"""What a body may be, and what is said when it is not."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.errors import InputError, Problem
from gatekeeper.model.envelope import RequestEnvelope
from gatekeeper.runtime.bodies import parse
from gatekeeper.runtime.chat import ChatRequest

GOOD: dict[str, Any] = {
    "requestId": "r1",
    "tenantId": "acme",
    "userId": "u1",
    "input": "How long?",
}


def problems(body: bytes | dict[str, Any], kind: Any = RequestEnvelope) -> tuple[Problem, ...]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(InputError) as caught:
        parse(data, kind)
    return caught.value.problems


def test_an_envelope_is_read() -> None:
    found = parse(json.dumps({**GOOD, "deadlineMs": 500}).encode(), RequestEnvelope)
    assert (found.request_id, found.deadline_ms) == ("r1", 500)


def test_a_syntax_error_has_line_and_column() -> None:
    (problem,) = problems(b'{\n  "requestId": nope}')
    assert (problem.line, problem.column) == (2, 17)


def test_every_problem_is_told_at_once() -> None:
    found = problems({"requestId": 7, "tenantID": "acme", "userId": "u", "input": ""})
    assert {problem.path for problem in found} == {"requestId", "tenantId", "tenantID", "input"}
    by_path = {problem.path: problem for problem in found}
    assert by_path["tenantID"].nearest == "tenantId"
    assert by_path["tenantId"].message == "required, and absent"
    assert by_path["requestId"].message.endswith("found 7")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b'"text"',
        b"[]",
        b"null",
        b"{}",
        b'{"requestId": "r1"',
        b'{"requestId":"r1","tenantId":"a","userId":"u","input":"\\ud800"}',
        b'{"requestId":"r1","tenantId":"a","userId":"u","input":"x","deadlineMs":NaN}',
        b'{"requestId":"r1","tenantId":"a","userId":"u","input":"x","deadlineMs":"5"}',
        b'{"requestId":"r1","tenantId":"a","userId":"u","input":"x","deadlineMs":0}',
        b'{"requestId":"r 1","tenantId":"a","userId":"u","input":"x"}',
        b'{"request_id":"r1","tenant_id":"a","user_id":"u","input":"x"}',
        b"[" * 100_000,
    ],
)
def test_malformed_bodies_are_input_errors(body: bytes) -> None:
    assert problems(body)


def test_a_key_given_twice_is_refused() -> None:
    (problem,) = problems(
        b'{"requestId":"r","tenantId":"a","tenantId":"b","userId":"u","input":"x"}'
    )
    assert (problem.path, problem.message) == ("tenantId", "given twice")


def test_what_is_shown_of_a_value_is_short() -> None:
    (problem,) = problems({**GOOD, "history": "x" * 10_000})
    assert len(problem.message) < 200


def test_a_nested_unknown_field_has_its_path() -> None:
    history = [{"role": "user", "content": "x", "mood": "y"}]
    (problem,) = problems({**GOOD, "history": history})
    assert problem.path == "history.0.mood"


@given(st.binary(max_size=200))
def test_no_bytes_get_past_as_a_crash(body: bytes) -> None:
    with pytest.raises(InputError):
        parse(body, RequestEnvelope)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*GOOD, "history", "deadlineMs", "zz"]), JSON))
def test_no_json_gets_past_as_a_crash(values: dict[str, Any]) -> None:
    for kind in (RequestEnvelope, ChatRequest):
        with suppress(InputError):
            parse(json.dumps({**GOOD, **values}).encode("utf-8", "surrogatepass"), kind)
