"""Answers that come piece by piece, and what can go wrong on the way."""

from __future__ import annotations

import asyncio
import json
import math
from operator import itemgetter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endpoints import (
    COUNTED,
    DOCUMENTS,
    EVENTS,
    START,
    STOP,
    USAGE,
    Endpoint,
    answers,
    ask,
    asked,
    event,
    replies,
    streams,
    token,
)
from gatekeeper.adapters.engines.openai.completion import completion
from gatekeeper.adapters.engines.openai.stream import documents, is_stream, joined
from gatekeeper.errors import EngineError
from gatekeeper.pipeline.tools import parse


async def test_a_stream_with_its_times(monkeypatch):
    endpoint = Endpoint(streams(*EVENTS, pause=0.02))
    async with asked(endpoint, monkeypatch) as engine:
        made = await ask(engine)
    assert made.text == "24 months"
    assert (made.input_tokens, made.cached_input_tokens, made.output_tokens) == (32, 8, 3)
    assert made.mean_logprob == pytest.approx(-0.5)
    # The event that opens the stream holds no token: the first comes one pause later.
    assert 20_000 <= made.time_to_first_token_us < 2_000_000
    assert 5_000 <= made.inter_token_us < 1_000_000
    assert made.finish_reason == "stop"
    (body,) = endpoint.asked
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})


async def test_a_connection_is_used_again_after_a_stream(monkeypatch):
    endpoint = Endpoint(streams(*EVENTS))
    async with asked(endpoint, monkeypatch) as engine:
        for _ in range(3):
            await ask(engine)
    assert endpoint.connections == 1


async def test_a_stream_need_not_end_after_its_end_mark(monkeypatch):
    async def turn(line):
        await line.stream(EVENTS, end=False)
        await asyncio.sleep(5)

    async with asked(Endpoint(turn), monkeypatch) as engine:
        assert (await ask(engine, timeout=2)).text == "24 months"


async def test_a_stream_may_end_without_its_end_mark(monkeypatch):
    async with asked(Endpoint(streams(*EVENTS[:-1])), monkeypatch) as engine:
        assert (await ask(engine)).text == "24 months"


STRANGE = b"".join(
    [
        b": hello\r\n\r\n",
        event(START, b"\r\n"),
        b":\r\n\r\n",
        b"event: token\r\nid: 1\r\n" + event(token("für "), b"\r\n"),
        b"retry: 10\r\n\r\n",
        event(json.dumps(token("2 € 🎉 [DONE]"), ensure_ascii=False).encode(), b"\r\n"),
        b": keep-alive\r\n\r\n",
        event(STOP, b"\r\n"),
        event(COUNTED, b"\r\n"),
        event(b"[DONE]", b"\r\n"),
    ]
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
async def test_comments_line_ends_and_split_characters(monkeypatch, size):
    parts = [STRANGE[start : start + size] for start in range(0, len(STRANGE), size)]
    async with asked(Endpoint(streams(*parts)), monkeypatch) as engine:
        made = await ask(engine)
    assert made.text == "für 2 € 🎉 [DONE]"
    assert made.time_to_first_token_us is not None


async def test_a_character_may_come_in_two_halves(monkeypatch):
    halves = [token("x"), token("x")]
    raw = [json.dumps(half).encode() for half in halves]
    raw = [raw[0].replace(b'"x"', b'"\\ud83c"'), raw[1].replace(b'"x"', b'"\\udf89"')]
    parts = [event(one) for one in (START, *raw, STOP, COUNTED)]
    async with asked(Endpoint(streams(*parts), streams(*parts[:2], *parts[3:])), monkeypatch) as it:
        assert (await ask(it)).text == "🎉"
        assert (await ask(it)).text == "\N{REPLACEMENT CHARACTER}"


async def test_an_endpoint_may_ignore_that_a_stream_was_asked_for(monkeypatch):
    async with asked(Endpoint(answers()), monkeypatch) as engine:
        made = await ask(engine)
    assert (made.text, made.time_to_first_token_us, made.inter_token_us) == (
        "24 months",
        None,
        None,
    )


async def test_streaming_can_be_switched_off(monkeypatch):
    endpoint = Endpoint(answers())
    async with asked(endpoint, monkeypatch, stream=False, logprobs=False) as engine:
        await ask(engine)
    assert not {"stream", "stream_options", "logprobs"} & set(endpoint.asked[0])


REFUSALS = {
    "logprobs": ({"error": {"message": "logprobs are not supported", "param": "logprobs"}}, 400),
    "stream_options": ({"detail": [{"loc": ["body", "stream_options"], "msg": "extra"}]}, 422),
    "stream": ({"error": {"message": "Streaming is not available"}}, 501),
    "max_tokens": ({"error": {"message": "use 'max_completion_tokens' instead"}}, 400),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_what_is_refused_is_left_out_from_then_on(monkeypatch, name):
    endpoint = Endpoint(replies(*REFUSALS[name]), answers())
    async with asked(endpoint, monkeypatch) as engine:
        for _ in range(2):
            assert (await ask(engine)).text == "24 months"
    first, *later = endpoint.asked
    assert name in first
    assert len(later) == 2
    assert not any(name in body for body in later)


async def test_a_refusal_that_leaving_out_does_not_cure_changes_nothing(monkeypatch):
    echo = {"error": "too long", "input": {"stream": True, "logprobs": True}}
    refusal = replies(echo, 400)
    endpoint = Endpoint(refusal, refusal, refusal, answers())
    async with asked(endpoint, monkeypatch) as engine:
        with pytest.raises(EngineError, match=r"HTTP 400: .*too long") as caught:
            await ask(engine)
        await ask(engine)
    assert not caught.value.retryable
    assert len(endpoint.asked) == 4
    assert {"stream", "logprobs"} <= set(endpoint.asked[-1])


async def test_usage_that_a_stream_lacks_is_asked_for_without_one(monkeypatch):
    endpoint = Endpoint(streams(*EVENTS[:-2], EVENTS[-1]), answers())
    async with asked(endpoint, monkeypatch) as engine:
        for _ in range(2):
            assert (await ask(engine)).output_tokens == 3
    assert ["stream" in body for body in endpoint.asked] == [True, False, False]


async def test_usage_that_is_nowhere_is_missed_by_name(monkeypatch):
    choice = {"message": {"content": "hi"}, "finish_reason": "stop"}
    endpoint = Endpoint(streams(*EVENTS[:-2], EVENTS[-1]), replies({"choices": [choice]}))
    async with asked(endpoint, monkeypatch) as engine:
        with pytest.raises(EngineError, match="no usage") as caught:
            await ask(engine)
    assert "include_usage" in caught.value.fix
    assert not caught.value.retryable


async def closed_midway(line):
    await line.stream(EVENTS[:3], end=False)
    line.hang_up()


async def closed_within_an_event(line):
    await line.stream([*EVENTS[:3], EVENTS[3][:20]], end=False)
    line.hang_up()


async def unframed(line):
    await line.say(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"".join(EVENTS[:3]))
    line.hang_up()


HALF = json.dumps({"choices": [{"message": {"content": "24 mon"}}]}).encode()[:-9]


async def half_a_length(line):
    await line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + HALF)
    line.hang_up()


async def nothing(line):
    line.hang_up()


def failing(error):
    return streams(*EVENTS[:3], event({"error": error}), EVENTS[-1])


LOADED = {"message": "out of memory", "code": 500}
BAD = {
    "closed midway": (closed_midway, "broke off", True),
    "closed within an event": (closed_within_an_event, "broke off", True),
    "closed without frames": (unframed, "broke off", True),
    "ended midway": (streams(*EVENTS[:3], EVENTS[-1]), "broke off", True),
    "closed within a document": (half_a_length, "broke off", True),
    "closed at once": (nothing, "cannot be reached: ServerDisconnectedError", True),
    "half a document": (replies(HALF), "not JSON", True),
    "half an event": (streams(EVENTS[0], EVENTS[1][:40] + b"\n\n", *EVENTS[2:]), "not JSON", True),
    "not UTF-8": (streams(EVENTS[1].replace(b"24", b"\xff\xfe"), *EVENTS[2:]), "not JSON", True),
    "HTML": (replies(b"<html><body>Welcome", Content_Type="text/html"), "not JSON: '<html>", True),
    "nothing": (replies(b""), "not JSON", True),
    "no choices": (answers(choices=[]), "has no choice", True),
    "no choices in a stream": (streams(*EVENTS[-2:]), "has no choice", True),
    "an empty choice": (answers(choices=[{}]), "empty choice", True),
    "an empty stream": (streams(EVENTS[-1]), "has no choice", True),
    "another document": (replies(["a", "b"]), "no completion", True),
    "events that are no objects": (streams(event([1]), event(b"[DONE]")), "something else", True),
    "a choice that is text": (answers(choices=["hello"]), "lacks what a completion has", True),
    "counts below zero": (answers(usage={**USAGE, "prompt_tokens": -1}), "below zero", True),
    "an error for an answer": (replies({"error": {"message": "no GPU"}}), "error: no GPU", True),
    "an error in a stream": (failing(LOADED), "error: out of memory", True),
    "a lasting error in a stream": (failing({"message": "no", "code": 400}), "error: no", False),
    "an error that is text": (failing("boom"), "error: boom", True),
    "an error for a reason": (streams(*EVENTS[:2], event(token("", finish_reason="error"))),
                              "ended in an error", True),
    "50 MB": (replies(b" " * 50_000_000), "too long", False),
    "redirect": (replies(b"", 307, Location="http://elsewhere.invalid/"), "HTTP 307", False),
    "50 MB of an error": (replies(b"x" * 50_000_000, 500), "HTTP 500: xxx", True),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_bad_answers_are_named_and_hurt_no_other(monkeypatch, name):
    turn, message, retryable = BAD[name]
    async with asked(Endpoint(turn, streams(*EVENTS)), monkeypatch) as engine:
        with pytest.raises(EngineError, match=message) as caught:
            await ask(engine)
        assert (await ask(engine)).text == "24 months"
    assert caught.value.retryable is retryable
    assert len(caught.value.what) < 300


async def hanging(line):
    await line.stream(EVENTS[:2], end=False)
    await asyncio.sleep(5)


async def endless(line):
    await line.stream((event(token("on and ")) for _ in range(100_000)), pause=0.001)


async def alive(line):
    await line.stream((b": keep-alive\n\n" for _ in range(100_000)), pause=0.001)


@pytest.mark.parametrize("turn", [hanging, endless, alive])
async def test_nothing_hangs(monkeypatch, turn):
    async with asked(Endpoint(turn, streams(*EVENTS)), monkeypatch) as engine:
        with pytest.raises(TimeoutError):
            await ask(engine, timeout=0.2)
        assert (await ask(engine)).text == "24 months"


CALL = {"name": "open_ticket", "arguments": '{"text": "see </tool> <tool>x"}'}


def delta(**fields):
    return event({"choices": [{"index": 0, "delta": fields}]})


async def test_tool_calls_become_tags(monkeypatch):
    whole = answers(
        choices=[
            {
                "message": {"content": "One moment.", "tool_calls": [{"function": CALL}]},
                "finish_reason": "tool_calls",
            }
        ]
    )
    half = len(CALL["arguments"]) // 2
    pieces = streams(
        delta(content="One moment."),
        delta(tool_calls=[{"index": 0, "function": {"name": CALL["name"], "arguments": ""}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": CALL["arguments"][:half]}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": CALL["arguments"][half:]}}]),
        delta(tool_calls=[{"index": 1, "function": {"name": "order_status"}}]),
        event({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}),
        *EVENTS[-2:],
    )
    async with asked(Endpoint(whole, pieces), monkeypatch) as engine:
        one, two = await ask(engine), await ask(engine)
    assert one.text.startswith("One moment.\n<tool>open_ticket {")
    assert [(call.name, call.arguments) for call in parse(one.text)] == [
        ("open_ticket", {"text": "see </tool> <tool>x"})
    ]
    assert two.text == one.text + "\n<tool>order_status {}</tool>"
    assert one.finish_reason == two.finish_reason == "stop"


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": None, "refusal": "I may not."}, "I may not."),
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "ab"),
        ({"content": None, "function_call": {"name": "x", "arguments": {"a": 1}}},
         '<tool>x {"a": 1}</tool>'),
        ({"content": None, "reasoning": "hm"}, ""),
    ],
)  # fmt: skip
async def test_other_forms_of_an_answer(monkeypatch, message, text):
    turn = answers(choices=[{"message": message, "finish_reason": "length"}])
    async with asked(Endpoint(turn), monkeypatch) as engine:
        made = await ask(engine)
    assert (made.text, made.finish_reason) == (text, "length")


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        ([{"refusal": "I may "}, {"refusal": "not."}], "I may not."),
        ([{"function_call": {"name": "x"}}, {"function_call": {"arguments": "{}"}}],
         "<tool>x {}</tool>"),
        ([{"reasoning": "hm"}, {"content": "Yes."}], "Yes."),
    ],
)  # fmt: skip
async def test_other_forms_of_a_stream(monkeypatch, pieces, text):
    parts = (*(delta(**piece) for piece in pieces), *EVENTS[-3:])
    async with asked(Endpoint(streams(*parts)), monkeypatch) as engine:
        made = await ask(engine)
    assert made.text == text
    assert made.time_to_first_token_us is not None


def test_events_may_have_several_lines_of_data():
    raw = b'data: {"a":\ndata:  1}\n\ndata: {"b": 2}\n\n: x\n\ndata: [DONE]\n\n'
    assert documents(raw) == [{"a": 1}, {"b": 2}]


@settings(max_examples=60)
@given(
    texts=st.lists(st.text(max_size=8), min_size=1, max_size=6),
    newline=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    ascii_only=st.booleans(),
)
def test_any_text_survives_a_stream(texts, newline, ascii_only):
    events = [json.dumps(token(text), ensure_ascii=ascii_only) for text in texts]
    raw = b"".join(event(one.encode(), newline) for one in events)
    raw += event(STOP, newline) + event(COUNTED, newline) + event(b"[DONE]", newline)
    assert is_stream(raw)
    found = joined(documents(raw))
    assert found["choices"][0]["message"]["content"] == "".join(texts)
    assert found["usage"] == USAGE


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just("stop")
)
PARTS = "choices message delta content logprobs logprob usage prompt_tokens completion_tokens error"
CALLS = "code tool_calls function name arguments index finish_reason refusal system_fingerprint"
KEYS = st.sampled_from([*PARTS.split(), *CALLS.split()])
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=5,
)


def damaged(document, place, value):
    """`document` with another value at one of its places."""
    holder = document
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = value
    return document


PLACES = [
    ("choices",),
    ("choices", 0),
    ("choices", 0, "message"),
    ("choices", 0, "message", "content"),
    ("choices", 0, "message", "tool_calls"),
    ("choices", 0, "delta"),
    ("choices", 0, "delta", "content"),
    ("choices", 0, "delta", "tool_calls"),
    ("choices", 0, "logprobs"),
    ("choices", 0, "logprobs", "content"),
    ("choices", 0, "finish_reason"),
    ("usage",),
    ("usage", "prompt_tokens"),
    ("usage", "prompt_tokens_details"),
    ("system_fingerprint",),
    ("error",),
]


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=25)
@given(value=ANYTHING)
def test_whatever_comes_is_an_answer_or_an_engine_error(place, value):
    document = token("x", finish_reason="stop", message={"content": "x"}) | {"usage": dict(USAGE)}
    raw = event(damaged(document, place, value)) + event(b"[DONE]")
    for read in (joined, itemgetter(0)):
        try:
            made = completion(read(documents(raw)))
        except EngineError:
            continue
        assert isinstance(made.text, str)
        assert min(made.tokens) >= 0
        assert made.mean_logprob is None or math.isfinite(made.mean_logprob)


def test_one_array_says_the_same_as_event_by_event():
    assert documents(b"".join(EVENTS)) == list(DOCUMENTS)
