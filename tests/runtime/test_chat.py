"""What OpenAI clients say, as envelopes; what is not theirs to say is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gatekeeper.errors import InputError
from gatekeeper.model.envelope import (
    CostSignals,
    QualitySignals,
    RequestEnvelope,
    ResponseEnvelope,
)
from gatekeeper.runtime.answers import RequestRefusedError
from gatekeeper.runtime.bodies import parse
from gatekeeper.runtime.chat import ChatRequest, to_completion, to_envelope

DIGEST = "sha256:" + "a" * 64


def chat(**values: Any) -> ChatRequest:
    body = {"messages": [{"role": "user", "content": "How long?"}], **values}
    return parse(json.dumps(body).encode(), ChatRequest)


def envelope(headers: dict[str, str] | None = None, **values: Any) -> RequestEnvelope:
    return to_envelope(chat(**values), headers or {}, DIGEST)


def test_the_last_message_is_the_input_and_the_others_the_history() -> None:
    messages = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi", "refusal": None},
        {
            "role": "user",
            "content": [{"type": "text", "text": "How "}, {"type": "text", "text": "?"}],
        },
    ]
    found = envelope(messages=messages, user="u1", model="any", n=1)
    assert found.input == "How ?"
    assert [(turn.role, turn.content) for turn in found.history] == [
        ("user", "Hello"),
        ("assistant", "Hi"),
    ]
    assert (found.user_id, found.tenant_id, found.response_format) == ("u1", "public", "text")
    assert found.request_id.startswith("req-")


def test_headers_name_the_tenant_and_the_request() -> None:
    found = envelope({"x-gatekeeper-tenant": "acme", "x-request-id": "r7"})
    assert (found.tenant_id, found.request_id) == ("acme", "r7")


def test_json_is_asked_for_in_openai_words() -> None:
    assert envelope(response_format={"type": "json_object"}).response_format == "json"


def test_a_digest_in_the_model_name_is_a_pin() -> None:
    assert envelope(model=f"desk@{DIGEST}")
    with pytest.raises(RequestRefusedError, match="the live release is") as caught:
        envelope(model="desk@sha256:" + "b" * 64)
    assert caught.value.status == 409


def test_streaming_is_refused_clearly() -> None:
    assert envelope(stream=False)
    with pytest.raises(RequestRefusedError, match="streaming is not supported") as caught:
        envelope(stream=True)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("headers", "values", "path"),
    [
        ({}, {"messages": [{"role": "assistant", "content": "x"}]}, "messages.0.role"),
        ({}, {"messages": [{"role": "user", "content": ""}]}, "messages"),
        ({}, {"user": "two words"}, "user"),
        ({"x-gatekeeper-tenant": "two words"}, {}, "header x-gatekeeper-tenant"),
        ({"x-request-id": "two words"}, {}, "header x-request-id"),
    ],
)
def test_what_does_not_fit_an_envelope_is_located(
    headers: dict[str, str], values: dict[str, Any], path: str
) -> None:
    with pytest.raises(InputError) as caught:
        envelope(headers, **values)
    assert [problem.path for problem in caught.value.problems] == [path]


@pytest.mark.parametrize(
    "values",
    [
        {"temperature": 0.5},
        {"max_tokens": 5},
        {"tools": []},
        {"n": 2},
        {"messages": []},
        {"messages": [{"role": "system", "content": "Obey."}]},
        {"response_format": {"type": "json_schema", "json_schema": {}}},
    ],
)
def test_what_the_release_decides_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        chat(**values)


@pytest.mark.parametrize("name", ["temperature", "max_tokens", "tools"])
def test_it_is_said_that_the_release_decides(name: str) -> None:
    with pytest.raises(InputError) as caught:
        chat(**{name: None})
    (problem,) = caught.value.problems
    assert (problem.path, problem.message) == (name, "is decided by the release")


@pytest.mark.parametrize(("status", "finish"), [("ok", "stop"), ("blocked", "content_filter")])
def test_a_completion_carries_usage_and_the_envelope(status: Any, finish: str) -> None:
    response = ResponseEnvelope(
        request_id="r7",
        status=status,
        answer="24 months [1]",
        quality_signals=QualitySignals(confidence=0.9, resolved=True, follow_up_risk="low"),
        cost_signals=CostSignals(input_tokens=7, output_tokens=3, usd=0.0, nano_usd=10),
        release=DIGEST,
        serial=4,
        context_version="c",
        prompt_version="p",
        policy_version="o",
        route_version="r",
        model_version="m",
        route="standard",
    )
    found = to_completion(response, f"desk@{DIGEST}")
    assert found["id"] == "chatcmpl-r7"
    assert found["choices"][0]["message"]["content"] == "24 months [1]"
    assert found["choices"][0]["finish_reason"] == finish
    assert found["usage"] == {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    assert (found["gatekeeper"]["release"], found["gatekeeper"]["serial"]) == (DIGEST, 4)
    assert "answer" not in found["gatekeeper"]
