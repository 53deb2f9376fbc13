"""One model of one endpoint: ask, listen, and learn what the endpoint can."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.engines.openai.completion import completion
from gatekeeper.adapters.engines.openai.decoding import decoded
from gatekeeper.adapters.engines.openai.refusal import (
    EndpointRefusedError,
    UsageMissingError,
    refused,
    reported,
)
from gatekeeper.adapters.engines.openai.request import Dialect, encoded, fields
from gatekeeper.adapters.engines.openai.stream import collect, documents, is_stream, joined
from gatekeeper.errors import EngineError
from gatekeeper.ports import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import aiohttp

    from gatekeeper.adapters.engines.openai.completion import Completion
    from gatekeeper.adapters.engines.openai.connection import Connection
    from gatekeeper.adapters.engines.openai.options import Options
    from gatekeeper.adapters.engines.openai.stream import Arrival
    from gatekeeper.model.components import Sampling
    from gatekeeper.ports import Message

MAX_RESPONSE_BYTES: Final = 8 << 20
MAX_ERROR_BYTES: Final = 1 << 16
OK: Final = 200
OVER: Final = 0.5
"""Share of its time limit that a request has to have had at the endpoint before its end says
something of the endpoint."""
SYSTEMS: Final = 8
"""Different systems behind an endpoint that are remembered."""


class OpenAIEngine:
    """One model of one endpoint.

    Args:
        connection: To the endpoint.
        model: What the endpoint calls the model.
        options: How it is asked.
        known: What the endpoint says of itself.
    """

    def __init__(
        self, connection: Connection, model: str, options: Options, known: Mapping[str, str]
    ) -> None:
        self._connection = connection
        self._model = model
        self._structured = options.structured_output
        self._dialect = Dialect.of(options)
        self._known = dict(known)
        self._systems: set[str] = set()

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """Engine, host, and what the endpoint says of itself: more cannot be known.

        `system_fingerprint` is there once a response has told it, and lists all that were told.
        """
        told = ", ".join(sorted(self._systems))
        return {**self._known, **({"system_fingerprint": told} if told else {})}

    async def generate(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        *,
        timeout: float,
        json_schema: Mapping[str, Any] | None = None,
    ) -> Generation:
        """One completion; raises `EngineError`, or `TimeoutError` when the time is over.

        Waiting for the endpoint's rate limit counts against `timeout` and is the record's time in
        the queue; the time to the first token is from when the request is sent.
        """
        import aiohttp

        if self._connection.session.closed:
            raise EngineError("the connections have been closed", retryable=False)
        schema = json_schema if self._structured else None
        body = fields(self._model, messages, sampling, schema)
        try:
            async with asyncio.timeout(timeout):
                return await self._ask(body, sampling.max_tokens, timeout)
        except aiohttp.ClientPayloadError as error:
            raise EngineError("the response broke off: the connection was closed") from error
        except aiohttp.ClientError as error:
            raise EngineError(f"cannot be reached: {_why(error)}") from error

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.session.close()

    async def _ask(self, body: Mapping[str, Any], most: int, timeout: float) -> Generation:
        """Ask; what the endpoint refuses is left out, and is not asked for again if that helps."""
        dialect = self._dialect
        while True:
            try:
                made = await self._once(encoded(body, most, dialect), dialect, timeout)
            except EndpointRefusedError as error:
                simpler = dialect.without(error.complaint)
                if simpler is None:
                    raise
                dialect = simpler
            except UsageMissingError:
                if not dialect.stream:
                    raise
                dialect = dialect.plain()
            else:
                self._dialect = dialect
                return made

    async def _once(self, body: bytes, dialect: Dialect, timeout: float) -> Generation:
        gate, called = self._connection.gate, time.monotonic_ns()
        started = await gate.enter(timeout)
        try:
            sent = time.monotonic_ns()
            arrival = await self._post(body, started, watch=dialect.stream)
            answer = self._read(arrival)
            gate.answered()
        except (TimeoutError, asyncio.CancelledError):
            if time.monotonic() - started > timeout * OVER:
                gate.overloaded(started)
            raise
        finally:
            gate.leave()
        return self._generation(answer, arrival, sent, queue_us=(sent - called) // 1000)

    async def _post(self, body: bytes, started: float, *, watch: bool) -> Arrival:
        connection = self._connection
        async with connection.session.post(
            connection.chat, data=body, allow_redirects=False
        ) as response:
            after = connection.gate.heed(response.status, response.headers, started)
            if response.status != OK:
                data = await _beginning(response.content)
                raise refused(response.status, data, after, connection.redaction)
            return await collect(response.content, MAX_RESPONSE_BYTES, watch=watch)

    def _read(self, arrival: Arrival) -> Completion:
        data = arrival.data
        if is_stream(data):
            document = joined(documents(data))
        else:
            # In one piece after all: the first text that came was no first token.
            arrival.first_ns = 0
            document = self._document(data)
        if not isinstance(document, dict):
            raise EngineError("the response is JSON, but no completion")
        if document.get("error"):
            raise reported(document["error"], self._connection.redaction)
        return completion(document)

    def _document(self, data: bytearray) -> Any:
        try:
            return decoded(data)
        except ValueError:
            said = self._connection.redaction.quote(data)[:80]
            # The decoder's error holds the whole response, and with it whatever it repeats.
            raise EngineError(f"the response is not JSON: {said!r}") from None

    def _generation(
        self, answer: Completion, arrival: Arrival, sent: int, *, queue_us: int
    ) -> Generation:
        if answer.system_fingerprint and len(self._systems) < SYSTEMS:
            told = self._connection.redaction(str(answer.system_fingerprint))
            self._systems.add(told[:64])
        computed, cached, output = answer.tokens
        first, last = arrival.first_ns, arrival.last_ns
        return Generation(
            text=self._connection.redaction(answer.text),
            input_tokens=computed,
            cached_input_tokens=cached,
            output_tokens=output,
            mean_logprob=answer.mean_logprob,
            time_to_first_token_us=(first - sent) // 1000 if first else None,
            finish_reason=answer.finish_reason,
            queue_us=queue_us,
            inter_token_us=(last - first) // (output - 1) // 1000 if output > 1 and first else None,
        )


async def _beginning(content: aiohttp.StreamReader) -> bytes:
    data = bytearray()
    while len(data) < MAX_ERROR_BYTES and (part := await content.readany()):
        data += part
    return bytes(data)


def _why(error: Exception) -> str:
    """In the words of the operating system, where it was asked; else the kind of error."""
    number = getattr(getattr(error, "os_error", None), "errno", None) or 0
    return os.strerror(number).lower() if number > 0 else type(error).__name__
