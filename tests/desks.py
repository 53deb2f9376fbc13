"""A small desk that answers, slowly or wrongly if told to, and a service around it on a port."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import urllib.error
import urllib.request
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatekeeper.errors import IntegrityError
from gatekeeper.model.components import (
    Components,
    EngineRequirement,
    Governance,
    Model,
    PinnedModel,
    Prompt,
    Route,
    Router,
    Serving,
    Tier,
)
from gatekeeper.model.envelope import CostSignals, QualitySignals, ResponseEnvelope
from gatekeeper.model.record import CallRow, RequestRow
from gatekeeper.model.release import Release
from gatekeeper.pipeline.visit import Served
from gatekeeper.runtime.app import Service
from gatekeeper.runtime.follower import Follower
from gatekeeper.runtime.following import Target
from gatekeeper.runtime.live import Switch
from gatekeeper.runtime.recording import RecordWriter
from gatekeeper.runtime.server import listen, server
from gatekeeper.runtime.watermark import Watermark

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from pathlib import Path

    from gatekeeper.model.envelope import RequestEnvelope
    from gatekeeper.model.record import Row
    from gatekeeper.pipeline.visit import Context


def digest_of(letter: str) -> str:
    return "sha256:" + letter * 64


def release(letter: str) -> Release:
    return Release(
        name="desk",
        digest=digest_of(letter),
        component_digests={"prompt": digest_of(letter)},
        governance=Governance(),
        components=Components(
            prompt=Prompt(template="{{ input }}"),
            model=Model(models={"small": PinnedModel()}),
            serving=Serving(engines=(EngineRequirement(name="embedded"),)),
            router=Router(routes=(Route(route_to="all"),), tiers={"all": Tier(model="small")}),
        ),
    )


class Desk:
    """Answers `LETTER: input`. Some inputs make it slow, unavailable or broken."""

    def __init__(self, letter: str) -> None:
        self.release = release(letter)
        self.letter = letter

    async def handle(self, request: RequestEnvelope, context: Context) -> Served:
        if request.input.startswith("sleep "):
            await asyncio.sleep(float(request.input.split()[1]))
        if request.input == "bug":
            raise ZeroDivisionError("a bug")
        status: Any = {"down": "error", "forbidden": "blocked"}.get(request.input, "ok")
        answer = f"{self.letter}: {request.input}"
        row = RequestRow(
            request_id=request.request_id,
            time=time.time_ns() // 1000,
            lane=context.lane,
            release=self.release.digest,
            serial=context.serial,
            workload=context.workload,
            status=status,
            latency_us=1,
        )
        call = CallRow(
            request_id=request.request_id, attempt=1, model="small", latency_us=1, outcome="ok"
        )
        return Served(self._response(request, context, status, answer), row, (call,))

    def _response(
        self, request: RequestEnvelope, context: Context, status: Any, answer: str
    ) -> ResponseEnvelope:
        return ResponseEnvelope(
            request_id=request.request_id,
            status="degraded" if status == "error" else status,
            answer=answer,
            quality_signals=QualitySignals(confidence=1, resolved=True, follow_up_risk="low"),
            cost_signals=CostSignals(input_tokens=2, output_tokens=3, usd=0.0, nano_usd=5),
            release=self.release.digest,
            serial=context.serial,
            context_version="c",
            prompt_version="p",
            policy_version="o",
            route_version="r",
            model_version="m",
            route="all",
        )


class Books:
    """A ledger of letters; `bad` entries do not verify."""

    def __init__(self, letters: str) -> None:
        self.letters = letters
        self.bad: set[int] = set()

    def head(self) -> int:
        return len(self.letters)

    def target(self, serial: int) -> Target:
        if serial in self.bad:
            raise IntegrityError("the signature does not match", where=f"entry {serial}")
        found = digest_of(self.letters[serial - 1]) if serial else None
        facts = {"action": "promote", "actor": "ann"}
        since = "2026-11-21T00:00:00Z"
        return Target("L", serial, self.entry(serial), found, since, "answers", facts)

    def entry(self, serial: int) -> str:
        return self.letters[:serial]

    @asynccontextmanager
    async def open(self, target: Target) -> AsyncIterator[Any]:
        yield Desk((target.release or "")[-1])


class Shelf:
    """A record store in memory that can be full."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.full = False

    def write(self, rows: Iterable[Row]) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        self.rows.extend(rows)


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Running:
    """A service on a port."""

    port: int
    service: Service
    books: Books
    shelf: Shelf

    def get(self, path: str) -> Reply:
        return call(self.port, path)

    def post(self, path: str, body: Any, **headers: str) -> Reply:
        return call(self.port, path, body, **headers)

    def ask(self, text: str, **values: Any) -> Reply:
        body = {"requestId": "r1", "tenantId": "acme", "userId": "u1", "input": text, **values}
        return self.post("/v1/requests", body)

    def until(self, letter: str) -> None:
        """Wait for the release of that letter."""
        self.wait(lambda ready: ready["release"] == digest_of(letter))

    def problem(self) -> tuple[int, dict[str, Any]]:
        """Wait for the one problem that `/readyz` tells; its status and the problem."""
        found = self.wait(lambda ready: any(p.get("code") != "loading" for p in ready["problems"]))
        (problem,) = found.body["problems"]
        return found.status, problem

    def wait(self, holds: Callable[[dict[str, Any]], bool]) -> Reply:
        deadline = time.monotonic() + 20
        while not holds((reply := self.get("/readyz")).body):
            assert time.monotonic() < deadline, reply.body
            time.sleep(0.02)
        return reply


def call(port: int, path: str, body: Any = None, **headers: str) -> Reply:
    """One HTTP exchange; `body` is bytes as they are, or a value to send as JSON."""
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    if data is not None:
        named = {"content-type": "application/json", **named}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, named)
    try:
        with urllib.request.urlopen(request, timeout=10) as found:  # noqa: S310
            return Reply(found.status, dict(found.headers), json.loads(found.read() or b"null"))
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, dict(error.headers), json.loads(error.read() or b"null"))


@contextmanager
def serving(directory: Path, letters: str = "a") -> Iterator[Running]:
    """A service that follows `Books(letters)`, ready where there is anything to serve."""
    books, shelf, switch = Books(letters), Shelf(), Switch()
    follower = Follower(books, switch, Watermark(directory / "served.json"))
    service = Service("test", switch, follower, RecordWriter(shelf), drain_seconds=2)
    listener = listen("127.0.0.1", 0)
    uvicorn = server(service)
    thread = threading.Thread(target=uvicorn.run, args=([listener],))
    thread.start()
    running = Running(listener.getsockname()[1], service, books, shelf)
    try:
        if letters:
            running.until(letters[-1])
        yield running
    finally:
        uvicorn.should_exit = True
        thread.join(10)
        listener.close()
