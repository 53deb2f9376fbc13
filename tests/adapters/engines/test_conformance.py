"""The engines that any machine has, against what every engine does."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from tests.adapters.engines.conformance import Conformance, House, seat_of

from gatekeeper.adapters.engines import embedded, openai
from gatekeeper.errors import EngineError
from gatekeeper.model.components import Sampling
from gatekeeper.ports import Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.ports import Engine, Generation


@pytest.fixture(scope="module")
def embedded_house() -> Iterator[House]:
    with asyncio.Runner() as runner:
        engine = runner.run(embedded.open_engine(seat_of("embedded")))
        yield House(engine, runner)
        runner.run(engine.close())


@pytest.fixture(scope="module")
def openai_house() -> Iterator[House]:
    """The bundled model behind a server that speaks OpenAI's chat completions."""
    with asyncio.Runner() as runner, pytest.MonkeyPatch.context() as patch:
        behind = runner.run(embedded.open_engine(seat_of("embedded")))
        with served(behind, runner) as url:
            patch.setenv(openai.BASE_URL, url)
            engine = runner.run(openai.open_engine(seat_of("openai")))
            yield House(engine, runner)
            runner.run(engine.close())
        runner.run(behind.close())


class TestEmbedded(Conformance):
    @pytest.fixture
    def house(self, embedded_house: House) -> House:
        return embedded_house


class TestOpenAI(Conformance):
    @pytest.fixture
    def house(self, openai_house: House) -> House:
        return openai_house


@contextmanager
def served(engine: Engine, runner: asyncio.Runner) -> Iterator[str]:
    """An engine behind HTTP; gives its address."""
    app = web.Application()
    app.router.add_post("/v1/chat/completions", _Completions(engine).answer)
    server = web.AppRunner(app, shutdown_timeout=0.1)

    async def start() -> str:
        await server.setup()
        await web.TCPSite(server, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{server.addresses[0][1]}/v1"

    yield runner.run(start())
    runner.run(server.cleanup())


class _Completions:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """A completion, whole or as a stream of two events."""
        body = await request.json()
        messages = [Message(one["role"], one["content"]) for one in body["messages"]]
        try:
            made = await self._engine.generate(messages, _sampling(body), timeout=60)
        except EngineError as error:
            return web.json_response({"error": {"message": error.what}}, status=500)
        if not body.get("stream"):
            return web.json_response(_document(made, body, "message"))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for event in (_document(made, body, "delta"), {**_envelope(body), "usage": _usage(made)}):
            await response.write(
                b"data: " + json.dumps({"choices": [], **event}).encode() + b"\n\n"
            )
        await response.write(b"data: [DONE]\n\n")
        return response


def _sampling(body: dict[str, Any]) -> Sampling:
    names = ("temperature", "top_p", "top_k", "max_tokens", "stop", "seed")
    given = {name: body[name] for name in names if name in body}
    given["max_tokens"] = body.get("max_tokens") or body.get("max_completion_tokens")
    return Sampling(**{**given, "stop": tuple(given.get("stop", ()))})


def _envelope(body: dict[str, Any]) -> dict[str, Any]:
    kind = "chat.completion.chunk" if body.get("stream") else "chat.completion"
    return {"id": "c", "object": kind, "created": int(time.time()), "model": body["model"]}


def _document(made: Generation, body: dict[str, Any], part: str) -> dict[str, Any]:
    logprob = {"token": "?", "logprob": made.mean_logprob, "bytes": None, "top_logprobs": []}
    choice = {
        "index": 0,
        part: {"role": "assistant", "content": made.text},
        "finish_reason": made.finish_reason,
        "logprobs": {"content": [logprob] * made.output_tokens} if body.get("logprobs") else None,
    }
    document = {**_envelope(body), "choices": [choice]}
    return document if body.get("stream") else {**document, "usage": _usage(made)}


def _usage(made: Generation) -> dict[str, Any]:
    prompt = made.input_tokens + made.cached_input_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": made.output_tokens,
        "total_tokens": prompt + made.output_tokens,
    }
