"""What an endpoint says of itself is kept; what it may not repeat is not."""

from __future__ import annotations

import time
import traceback

import pytest

from endpoints import (
    EVENTS,
    START,
    Endpoint,
    answers,
    ask,
    asked,
    event,
    replies,
    streams,
    token,
)
from gatekeeper.adapters.engines.openai import identity
from gatekeeper.adapters.engines.openai.redaction import QUOTED, Redaction
from gatekeeper.errors import EngineError
from gatekeeper.model.components import Sampling
from gatekeeper.ports import Message

KEY = "sk-live-0123456789abcdef"
LISTED = {"data": [{"id": "other", "owned_by": "x"}, {"id": "desk-1", "owned_by": "vllm"}]}


async def test_what_an_endpoint_says_of_itself(monkeypatch):
    endpoint = Endpoint(answers(system_fingerprint="fp_2"), answers(system_fingerprint="fp_1"))
    endpoint.others = {"/v1/models": LISTED, "/version": {"version": "0.32.0"}}
    async with asked(endpoint, monkeypatch) as engine:
        before = engine.fingerprint
        for _ in range(3):
            await ask(engine)
        after = engine.fingerprint
    assert before == {
        "engine": "openai",
        "version": "1",
        "endpoint": "127.0.0.1",
        "model": "desk-1",
        "served_model": "desk-1",
        "owned_by": "vllm",
        "server_version": "0.32.0",
    }
    assert after == before | {"system_fingerprint": "fp_1, fp_2"}


async def test_the_system_is_told_in_streams_too(monkeypatch):
    parts = (event(START | {"system_fingerprint": "fp_9"}), *EVENTS)
    async with asked(Endpoint(streams(*parts)), monkeypatch) as engine:
        await ask(engine)
        assert engine.fingerprint["system_fingerprint"] == "fp_9"


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"/v1/models": [], "/version": "0.32"},
        {"/v1/models": {"data": 3}, "/version": {"version": 3}},
        {"/v1/models": {"data": ["desk-1"]}, "/version": b"<html>"},
        {"/v1/models": {"data": [{"id": "desk-1", "owned_by": "a\nb"}]}},
        {"/v1/models": b"[" * 100_000, "/version": b" " * (2 << 20)},
    ],
)
async def test_an_endpoint_may_say_nothing_of_itself(monkeypatch, others):
    endpoint = Endpoint(answers())
    endpoint.others = others
    async with asked(endpoint, monkeypatch) as engine:
        assert {"owned_by", "server_version"}.isdisjoint(engine.fingerprint)
        assert (await ask(engine)).text == "24 months"


async def test_an_endpoint_that_does_not_speak_at_all_still_opens(monkeypatch):
    monkeypatch.setattr(identity, "SECONDS", 0.05)
    endpoint = Endpoint(answers())
    endpoint.others = {"/v1/models": None, "/version": None}
    started = time.monotonic()
    async with asked(endpoint, monkeypatch) as engine:
        assert set(engine.fingerprint) == {"engine", "version", "endpoint", "model"}
    assert time.monotonic() - started < 1


async def echo_whole(line):
    await line.whole({"error": {"message": f"bad key: {line.headers['authorization']}"}}, 401)


async def echo_refused(line):
    await line.whole({"detail": line.headers["authorization"]}, 400)


async def echo_count(line):
    usage = {"prompt_tokens": line.headers["authorization"], "completion_tokens": 1}
    await answers(usage=usage)(line)


async def echo_late(line):
    filling = "x" * (QUOTED - 40)
    await line.whole({"error": {"message": filling + line.headers["authorization"]}}, 500)


async def echo_in_stream(line):
    await line.stream([event({"error": {"message": line.headers["authorization"]}})])


async def echo_html(line):
    await line.whole(b"<b>" + line.headers["authorization"].encode())


async def echo_bad_type(line):
    await line.whole({"choices": [{"message": line.headers["authorization"]}]})


ECHOES = [
    echo_whole,
    echo_refused,
    echo_count,
    echo_late,
    echo_in_stream,
    echo_html,
    echo_bad_type,
]


@pytest.mark.parametrize("turn", ECHOES)
async def test_an_endpoint_that_repeats_the_key_is_not_quoted(monkeypatch, turn):
    monkeypatch.setenv("GATEKEEPER_OPENAI_API_KEY", KEY)
    async with asked(Endpoint(turn), monkeypatch) as engine:
        with pytest.raises(EngineError) as caught:
            await ask(engine)
    error = caught.value
    told = f"{error!s} {error!r} {error.__dict__} {''.join(traceback.format_exception(error))}"
    assert KEY[:12] not in told


async def test_an_answer_or_a_name_that_repeats_the_key_is_redacted(monkeypatch):
    monkeypatch.setenv("GATEKEEPER_OPENAI_API_KEY", KEY)
    parts = (*EVENTS[:1], event(token(KEY[:9])), event(token(KEY[9:])), *EVENTS[-3:])
    endpoint = Endpoint(streams(*parts), answers(f"it is {KEY}", system_fingerprint=KEY))
    endpoint.others = {"/v1/models": {"data": [{"id": "desk-1", "owned_by": KEY}]}}
    async with asked(endpoint, monkeypatch) as engine:
        assert [(await ask(engine)).text for _ in range(2)] == ["[key]", "it is [key]"]
        assert KEY not in repr(engine.fingerprint)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        (
            b"Authorization: Bearer abc.def-123 was refused",
            "Authorization: Bearer [key] was refused",
        ),
        (b"proxy: basic dXNlcjpwYXNz!", "proxy: basic [key]!"),
        (b"a  b\r\n\tc\xff", "a b c\N{REPLACEMENT CHARACTER}"),
        (b"the bearer of news", "the bearer of news"),
    ],
)
def test_what_looks_like_a_key_is_not_quoted_either(text, quoted):
    assert Redaction(()).quote(text) == quoted


async def test_what_a_tool_said_goes_out_as_the_users(monkeypatch):
    endpoint = Endpoint(answers())
    talk = [Message("system", "Help."), Message("user", "Hi"), Message("tool", '{"state": 1}')]
    async with asked(endpoint, monkeypatch) as engine:
        await engine.generate(talk, Sampling(), timeout=5)
    assert endpoint.asked[0]["messages"][1:] == [
        {"role": "user", "content": "Hi"},
        {"role": "user", "content": 'Tool result:\n{"state": 1}'},
    ]


async def test_the_schema_goes_out_where_asked_for(monkeypatch):
    endpoint = Endpoint(replies({"error": "no schema"}, 400), answers())
    schema = {"type": "object"}
    async with asked(endpoint, monkeypatch, structured_output=True) as engine:
        with pytest.raises(EngineError, match="no schema"):
            await ask(engine, json_schema=schema)
    assert endpoint.asked[0]["response_format"]["json_schema"]["schema"] == schema
