"""The openai engine against a real server on a real port."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web

from endpoints import ask, seat, serving
from gatekeeper.adapters.engines import openai
from gatekeeper.adapters.engines.openai import client
from gatekeeper.errors import EngineError, UnavailableError
from gatekeeper.model.components import Sampling

COMPLETION = {
    "choices": [
        {
            "message": {"role": "assistant", "content": "24 months [1]"},
            "finish_reason": "stop",
            "logprobs": {"content": [{"logprob": -0.1}, {"logprob": -0.3}]},
        }
    ],
    "usage": {
        "prompt_tokens": 40,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 10},
    },
}
MINUTE = timedelta(minutes=1)
DATES = {
    "in an hour": format_datetime(datetime.now(UTC) + 60 * MINUTE, usegmt=True),
    "a minute ago": format_datetime(datetime.now(UTC) - MINUTE, usegmt=True),
}


class Endpoint:
    """Answers as it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.status, self.body, self.headers = 200, json.dumps(COMPLETION), {}
        self.seconds = 0.0
        self.asked: list[dict] = []
        self.sent: list[dict[str, str]] = []
        self.connections: set = set()

    async def complete(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        self.sent.append(dict(request.headers))
        self.connections.add(request.transport)
        await asyncio.sleep(self.seconds)
        return web.Response(status=self.status, body=self.body, headers=self.headers)


@asynccontextmanager
async def served(endpoint, monkeypatch, **engine_args):
    """The engine in front of `endpoint` on a free port."""
    app = web.Application()
    app.router.add_post("/v1/chat/completions", endpoint.complete)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    monkeypatch.setenv(openai.BASE_URL, f"http://127.0.0.1:{port}/v1/")
    engine = await openai.open_engine(seat(**engine_args))
    try:
        yield engine
    finally:
        await engine.close()
        await runner.cleanup()


async def test_a_completion_with_tokens_and_confidence(monkeypatch):
    endpoint = Endpoint()
    async with served(endpoint, monkeypatch) as engine:
        made = await ask(engine, Sampling(max_tokens=9, seed=3, stop=("\n",), top_k=4))
        assert engine.fingerprint["endpoint"] == "127.0.0.1"
    assert made.text == "24 months [1]"
    assert (made.input_tokens, made.cached_input_tokens, made.output_tokens) == (30, 10, 5)
    assert made.mean_logprob == pytest.approx(-0.2)
    (body,) = endpoint.asked
    assert body["model"] == "desk-1"
    assert body["messages"] == [{"role": "user", "content": "How long is the warranty?"}]
    assert (body["max_tokens"], body["seed"], body["stop"], body["top_k"]) == (9, 3, ["\n"], 4)


async def test_the_key_is_sent_and_shown_nowhere(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "other")
    monkeypatch.setenv("GATEKEEPER_OPENAI_API_KEY", "s3cret")
    endpoint = Endpoint()
    async with served(endpoint, monkeypatch) as engine:
        await ask(engine)
        assert "s3cret" not in repr(engine.fingerprint)
        endpoint.status, endpoint.body = 500, "no"
        with pytest.raises(EngineError) as caught:
            await ask(engine)
    assert endpoint.sent[0]["Authorization"] == "Bearer s3cret"
    assert "s3cret" not in str(caught.value)


async def test_connections_are_kept(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    endpoint = Endpoint()
    async with served(endpoint, monkeypatch) as engine:
        for _ in range(3):
            await ask(engine)
    assert len(endpoint.connections) == 1
    assert "Authorization" not in endpoint.sent[0]


@pytest.mark.parametrize(
    ("status", "retryable"), [(400, False), (401, False), (408, True), (429, True), (503, True)]
)
async def test_http_errors_say_whether_they_pass(monkeypatch, status, retryable):
    endpoint = Endpoint()
    endpoint.status, endpoint.body = status, "why it is so" * 100
    async with served(endpoint, monkeypatch) as engine:
        with pytest.raises(EngineError, match=f"HTTP {status}: why it is so") as caught:
            await ask(engine)
    assert caught.value.retryable is retryable
    assert len(caught.value.what) < 300


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("2", 2.0),
        ("in an hour", 3600.0),
        ("a minute ago", 0.0),
        ("soon", 0.0),
        ("", 0.0),
    ],
)
async def test_the_endpoint_may_ask_to_be_left_alone(monkeypatch, header, seconds):
    endpoint = Endpoint()
    endpoint.status, endpoint.headers = 429, {"Retry-After": DATES.get(header, header)}
    async with served(endpoint, monkeypatch) as engine:
        with pytest.raises(EngineError) as caught:
            await ask(engine)
    assert caught.value.retry_after == pytest.approx(seconds, abs=600)


def without(*path):
    document = json.loads(json.dumps(COMPLETION))
    holder = document
    for step in path[:-1]:
        holder = holder[step]
    del holder[path[-1]]
    return json.dumps(document)


@pytest.mark.parametrize(
    "body",
    [
        "not JSON",
        "[]",
        "null",
        '{"choices": [], "usage": {}}',
        without("usage"),
        without("usage", "completion_tokens"),
        without("choices", 0, "message"),
    ],
)
async def test_what_is_no_completion_is_named(monkeypatch, body):
    endpoint = Endpoint()
    endpoint.body = body
    async with served(endpoint, monkeypatch) as engine:
        with pytest.raises(EngineError, match="the response"):
            await ask(engine)


@pytest.mark.parametrize("absent", [("choices", 0, "logprobs"), ("choices", 0, "finish_reason")])
async def test_what_not_every_endpoint_tells_may_be_absent(monkeypatch, absent):
    endpoint = Endpoint()
    endpoint.body = without(*absent)
    async with served(endpoint, monkeypatch) as engine:
        assert (await ask(engine)).text == "24 months [1]"


async def test_a_flood_is_cut_off(monkeypatch):
    monkeypatch.setattr(client, "MAX_RESPONSE_BYTES", 1000)
    endpoint = Endpoint()
    endpoint.body = "x" * 100_000
    async with served(endpoint, monkeypatch) as engine:
        with pytest.raises(EngineError, match="too long"):
            await ask(engine)


async def test_a_redirect_is_not_followed(monkeypatch):
    endpoint = Endpoint()
    endpoint.status, endpoint.headers = 307, {"Location": "http://elsewhere.invalid/"}
    async with served(endpoint, monkeypatch) as engine:
        with pytest.raises(EngineError, match="HTTP 307"):
            await ask(engine)


async def test_time_is_limited(monkeypatch):
    endpoint = Endpoint()
    endpoint.seconds = 0.5
    async with served(endpoint, monkeypatch) as engine:
        with pytest.raises(TimeoutError):
            await ask(engine, timeout=0.05)


async def test_an_endpoint_that_is_not_there(monkeypatch):
    monkeypatch.setenv(openai.BASE_URL, "http://127.0.0.1:9")
    engine = await openai.open_engine(seat())
    with pytest.raises(EngineError, match="cannot be reached: connection refused") as caught:
        await ask(engine)
    assert caught.value.retryable
    await engine.close()


@pytest.mark.parametrize("structured", [True, False])
async def test_the_schema_is_sent_where_the_release_asks_for_that(monkeypatch, structured):
    endpoint = Endpoint()
    async with served(endpoint, monkeypatch, structured_output=structured) as engine:
        await ask(engine, json_schema={"type": "object"})
    assert ("response_format" in endpoint.asked[0]) is structured


def test_without_an_address_it_is_unavailable(monkeypatch):
    monkeypatch.delenv(openai.BASE_URL, raising=False)
    with pytest.raises(UnavailableError, match="names no endpoint"):
        openai.installed(serving())
    for url in ("file:///etc/passwd", "http://[::1", "http://127.0.0.1:99999", "http://"):
        with pytest.raises(UnavailableError, match="names no endpoint"):
            openai.installed(serving(base_url=url))
    assert openai.installed(serving(base_url="http://127.0.0.1:1")) == "1"


def test_a_request_has_one_way_to_say_who_asks(monkeypatch):
    monkeypatch.setenv(openai.BASE_URL, "http://ada:hunter2@127.0.0.1:1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("GATEKEEPER_OPENAI_API_KEY", raising=False)
    assert openai.installed(serving()) == "1"
    monkeypatch.setenv("OPENAI_API_KEY", "a-key")
    with pytest.raises(UnavailableError, match="there is a key") as caught:
        openai.installed(serving())
    assert "hunter2" not in str(caught.value)
