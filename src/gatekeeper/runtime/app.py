"""The HTTP service: requests through the live release, and what can be asked about it."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gatekeeper.errors import GatekeeperError, UnavailableError
from gatekeeper.model.envelope import RequestEnvelope
from gatekeeper.pipeline.visit import Context
from gatekeeper.runtime.answers import RequestRefusedError, error_answer
from gatekeeper.runtime.bodies import parse, read_body
from gatekeeper.runtime.chat import ChatRequest, to_completion, to_envelope
from gatekeeper.runtime.feedback import Feedback

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from contextlib import AbstractContextManager

    from starlette.requests import Request

    from gatekeeper.pipeline.visit import Served
    from gatekeeper.runtime.follower import Follower
    from gatekeeper.runtime.live import Live, Switch
    from gatekeeper.runtime.recording import RecordWriter

log = logging.getLogger(__name__)
MOST_IN_FLIGHT = 1024


@dataclass(frozen=True, slots=True)
class Service:
    """The parts of one running service."""

    environment: str
    switch: Switch
    follower: Follower
    records: RecordWriter
    drain_seconds: float = 10.0

    # -- requests -------------------------------------------------------------------------------

    async def requests(self, request: Request) -> Response:
        """`POST /v1/requests`: an envelope in, an envelope out."""
        envelope = parse(await read_body(request), RequestEnvelope)
        with self._lease() as live:
            served = await self._serve(envelope, live)
        body = served.response.model_dump_json(by_alias=True)
        return Response(body, _status(served), _headers(served, live), "application/json")

    async def chat(self, request: Request) -> Response:
        """`POST /v1/chat/completions`: the same, in OpenAI's words."""
        chat = parse(await read_body(request), ChatRequest)
        with self._lease() as live:
            served = await self._serve(to_envelope(chat, request.headers, live.release), live)
        document = to_completion(served.response, live.opened.pipeline.release.reference)
        return JSONResponse(document, _status(served), _headers(served, live))

    async def outcomes(self, request: Request) -> Response:
        """`POST /v1/outcomes`: what became of an answer, as its reader or their system says."""
        found = parse(await read_body(request), Feedback)
        self.records.put([found.row(time.time_ns() // 1000)])
        return JSONResponse({"requestId": found.request_id}, 202)

    def _lease(self) -> AbstractContextManager[Live]:
        if self.switch.in_flight >= MOST_IN_FLIGHT:
            raise UnavailableError(f"{MOST_IN_FLIGHT} requests are being served", fix="retry later")
        return self.switch.lease()

    async def _serve(self, envelope: RequestEnvelope, live: Live) -> Served:
        target = live.target
        context = Context(lane="stable", serial=target.serial, workload=target.workload)
        served = await live.opened.pipeline.handle(envelope, context)
        self.records.put((served.request, *served.calls))
        return served

    # -- questions ------------------------------------------------------------------------------

    async def health(self, _: Request) -> Response:
        """`GET /healthz`: the process is alive; says nothing about releases."""
        return JSONResponse({"status": "alive"})

    async def ready(self, _: Request) -> Response:
        """`GET /readyz`: 200 while a verified release is served, with all that is wrong."""
        live = self.switch.current
        document = {
            "ready": live is not None,
            "environment": self.environment,
            "release": live.release if live else None,
            "serial": live.target.serial if live else None,
            "problems": list(self._problems()),
        }
        return JSONResponse(document, 200 if live else 503)

    async def release(self, _: Request) -> Response:
        """`GET /v1/release`: what is served, since when, and how following and recording go."""
        live, counters = self.switch.current, self.follower.counters
        trouble = self.follower.trouble
        document = {
            "environment": self.environment,
            **(_facts(live) if live else {"release": None}),
            "lastError": asdict(trouble) if trouble else None,
            "swaps": counters.swaps,
            "refusedHeads": counters.refused,
            "lastSwapUs": counters.last_swap_us,
            "inFlight": self.switch.in_flight,
            "records": asdict(self.records.state),
        }
        return JSONResponse(document, 200 if live else 503)

    def _problems(self) -> Iterator[dict[str, Any]]:
        if trouble := self.follower.trouble:
            yield {"part": "ledger", **asdict(trouble)}
        records = self.records.state
        if records.problem or records.dropped:
            yield {
                "part": "records",
                "what": records.problem or "rows were dropped",
                "waiting": records.waiting,
                "dropped": records.dropped,
            }

    # -- life -----------------------------------------------------------------------------------

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Follow while serving; then close the pipelines and write the last records."""
        following = asyncio.create_task(self.follower.run())
        try:
            yield
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
            with suppress(TimeoutError):
                await asyncio.wait_for(self.switch.drain(), self.drain_seconds)
            await asyncio.to_thread(self.records.close, self.drain_seconds)


def application(service: Service) -> Starlette:
    """The ASGI application around `service`."""
    return Starlette(
        routes=[
            Route("/v1/requests", service.requests, methods=["POST"]),
            Route("/v1/chat/completions", service.chat, methods=["POST"]),
            Route("/v1/outcomes", service.outcomes, methods=["POST"]),
            Route("/v1/release", service.release, methods=["GET"]),
            Route("/readyz", service.ready, methods=["GET"]),
            Route("/healthz", service.health, methods=["GET"]),
        ],
        lifespan=service.lifespan,
        exception_handlers={
            GatekeeperError: _failed,
            HTTPException: _failed,
            ClientDisconnect: _gone,
            Exception: _failed,
        },
    )


def _facts(live: Live) -> dict[str, Any]:
    release = live.opened.pipeline.release
    return {
        "release": release.digest,
        "name": release.name,
        "serial": live.target.serial,
        "since": live.target.since,
        "components": dict(release.component_digests),
        **live.target.facts,
    }


def _status(served: Served) -> int:
    """503 where nothing could be answered; a refusal is an answer."""
    return 503 if served.request.status == "error" else 200


def _headers(served: Served, live: Live) -> dict[str, str]:
    return {
        "x-request-id": served.response.request_id,
        "x-gatekeeper-release": live.release,
        "x-gatekeeper-serial": str(live.target.serial),
        "x-gatekeeper-status": served.response.status,
    }


async def _failed(request: Request, error: Exception) -> Response:
    if isinstance(error, GatekeeperError):
        return error_answer(error)
    if isinstance(error, HTTPException):
        phrase = HTTPStatus(error.status_code).phrase.lower()
        what = f"{request.method} {request.url.path}: {phrase}"
        return error_answer(RequestRefusedError(error.status_code, what, fix="see docs/runtime.md"))
    return error_answer(GatekeeperError(f"a bug: {type(error).__name__}"))


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=499)
