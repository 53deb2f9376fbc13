"""An endpoint that says exactly the bytes that a test wants, when it wants them."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from gatekeeper.adapters.engines import openai
from gatekeeper.adapters.engines.seat import Seat
from gatekeeper.model.components import EngineRequirement, PinnedModel, Sampling, Serving
from gatekeeper.ports import Message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    import pytest

    from gatekeeper.adapters.engines.openai.client import OpenAIEngine
    from gatekeeper.ports import Generation

    Turn = Callable[["Line"], Awaitable[None]]

USAGE = {"prompt_tokens": 40, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 8}}


class Line:
    """One request, and the means to answer it."""

    def __init__(self, body: dict[str, Any], headers: dict[str, str], writer: asyncio.StreamWriter):
        self.body, self.headers, self.writer = body, headers, writer

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def whole(self, body: object, status: int = 200, **headers: str) -> None:
        """An answer in one piece."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(data)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.say("\r\n".join(lines).encode() + b"\r\n\r\n" + data)

    async def stream(self, parts: Iterable[bytes], *, pause: float = 0.0, end: bool = True) -> None:
        """A chunked answer, a chunk a part."""
        await self.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
        await self.say(b"Transfer-Encoding: chunked\r\n\r\n")
        for part in parts:
            await self.say(b"%x\r\n%b\r\n" % (len(part), part))
            await asyncio.sleep(pause)
        if end:
            await self.say(b"0\r\n\r\n")

    def hang_up(self) -> None:
        self.writer.close()


class Endpoint:
    """Takes turns; the last one answers all later requests. Remembers what it was asked."""

    def __init__(self, *turns: Turn) -> None:
        self.turns = list(turns)
        self.asked: list[dict[str, Any]] = []
        self.connections = 0
        self.busy = self.busiest = 0
        self.others: dict[str, object] = {}
        """What GET answers, by path; None says nothing, ever."""
        self.serving: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task
        self.serving.add(task)
        try:
            while not writer.is_closing():
                await self._one(reader, writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        data = await reader.readexactly(int(headers.get("content-length", 0)))
        verb, path, _ = head[0].split()
        if verb == "GET":
            found = path in self.others
            await asyncio.sleep(60 if found and self.others[path] is None else 0)
            await Line({}, headers, writer).whole(self.others.get(path), 200 if found else 404)
            return
        self.asked.append(json.loads(data))
        turn = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            await turn(Line(self.asked[-1], headers, writer))
        finally:
            self.busy -= 1


def answers(text: str = "24 months", **more: object) -> Turn:
    """A turn that gives a whole completion."""
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return replies({"choices": [choice], "usage": USAGE, **more})


def replies(body: object, status: int = 200, **headers: str) -> Turn:
    """A turn that gives one document or one text."""

    async def turn(line: Line) -> None:
        await line.whole(body, status, **headers)

    return turn


def streams(*parts: bytes, pause: float = 0.0, end: bool = True) -> Turn:
    """A turn that gives a chunked stream."""

    async def turn(line: Line) -> None:
        await line.stream(parts, pause=pause, end=end)

    return turn


def event(document: object, newline: bytes = b"\n") -> bytes:
    """A server-sent event."""
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return b"data: " + data + newline * 2


def token(text: str, logprob: float = -0.5, **choice: object) -> dict[str, Any]:
    """The document of one token."""
    found = {"content": [{"token": text, "logprob": logprob}]}
    return {"choices": [{"index": 0, "delta": {"content": text}, "logprobs": found, **choice}]}


START = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}
STOP = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
COUNTED = {"choices": [], "usage": USAGE}
DOCUMENTS = (START, token("24"), token(" mon"), token("ths"), STOP, COUNTED)
EVENTS = (*(event(one) for one in DOCUMENTS), event(b"[DONE]"))


def serving(**engine_args: object) -> Serving:
    return Serving(engines=(EngineRequirement(name="openai"),), engine_args=engine_args)


def seat(**engine_args: object) -> Seat:
    model = PinnedModel(pinned=False, endpoint_model="desk-1")
    return Seat("desk", model, serving(**engine_args))


@asynccontextmanager
async def asked(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, **engine_args: object
) -> AsyncIterator[OpenAIEngine]:
    """The engine in front of `endpoint` on a free port."""
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setenv(openai.BASE_URL, f"http://127.0.0.1:{port}/v1/")
    engine = await openai.open_engine(seat(**engine_args))
    try:
        yield engine
    finally:
        await engine.close()
        server.close()
        for task in endpoint.serving:
            task.cancel()
        await asyncio.gather(*endpoint.serving)


async def ask(
    engine: OpenAIEngine, sampling: Sampling | None = None, timeout: float = 5.0, **fields: Any
) -> Generation:
    """Ask it something."""
    talk = [Message("user", "How long is the warranty?")]
    return await engine.generate(talk, sampling or Sampling(), timeout=timeout, **fields)
