"""Any endpoint that speaks OpenAI's chat completions, over kept-alive connections.

The key comes from the environment (`GATEKEEPER_OPENAI_API_KEY`, `OPENAI_API_KEY`) and goes nowhere
but into the request's header; the address from `GATEKEEPER_OPENAI_BASE_URL` or from the engine
argument `base_url`.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from gatekeeper.errors import EngineError, UnavailableError
from gatekeeper.ports import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import aiohttp

    from gatekeeper.adapters.engines.seat import Seat
    from gatekeeper.model.components import Sampling, Serving
    from gatekeeper.ports import Message

BASE_URL: Final = "GATEKEEPER_OPENAI_BASE_URL"
API_KEYS: Final = ("GATEKEEPER_OPENAI_API_KEY", "OPENAI_API_KEY")
API_VERSION: Final = "1"
MAX_RESPONSE_BYTES: Final = 8 << 20
CONNECTIONS: Final = 256
KEEP_ALIVE: Final = 4
"""Seconds. Servers made with uvicorn, vLLM's among them, hang up after 5 idle ones, and a request
sent at that moment is lost: let go first."""
RETRYABLE: Final = frozenset((408, 409, 425, 429))
SERVER_ERROR: Final = 500
OK: Final = 200
QUOTED: Final = 200
"""Characters of an endpoint's error message that are kept."""


class OpenAIEngine:
    """One model of one endpoint.

    Args:
        session: Connections, with the key in their headers.
        url: Of `chat/completions`.
        model: What the endpoint calls the model.
        structured: Ask the endpoint to hold the answer to the release's JSON Schema.
    """

    def __init__(
        self, session: aiohttp.ClientSession, url: str, model: str, *, structured: bool = False
    ) -> None:
        self._session = session
        self._url = url
        self._model = model
        self._structured = structured

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """Engine and host: what runs behind an endpoint cannot be known."""
        return {
            "engine": "openai",
            "version": API_VERSION,
            "endpoint": urlsplit(self._url).hostname or "",
            "model": self._model,
        }

    async def generate(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        *,
        timeout: float,
        json_schema: Mapping[str, Any] | None = None,
    ) -> Generation:
        """One completion; raises `EngineError`, or `TimeoutError` when the time is over."""
        import aiohttp

        body = _body(self._model, messages, sampling)
        if json_schema is not None and self._structured:
            schema = {"name": "answer", "schema": json_schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        try:
            async with asyncio.timeout(timeout):
                return _generation(await self._post(body))
        except aiohttp.ClientError as error:
            raise EngineError(f"cannot be reached: {type(error).__name__}") from error

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def _post(self, body: Mapping[str, Any]) -> Any:
        async with self._session.post(self._url, json=body, allow_redirects=False) as response:
            data = bytearray()
            async for part in response.content.iter_any():
                data += part
                if len(data) > MAX_RESPONSE_BYTES:
                    raise EngineError("the response is too long", retryable=False)
            if response.status != OK:
                raise _refused(response.status, response.headers, bytes(data))
        try:
            return json.loads(data)
        except ValueError as error:
            raise EngineError("the response is not JSON") from error


def installed(serving: Serving) -> str:
    """Version 1 of the interface, where an address is known."""
    try:
        import aiohttp  # noqa: F401
    except ImportError:
        raise UnavailableError(
            "aiohttp is not installed", fix="pip install 'gatekeeper[openai]'"
        ) from None
    _base_url(serving)
    return API_VERSION


async def open_engine(seat: Seat) -> OpenAIEngine:
    """Connections to the endpoint, opened when they are needed."""
    import aiohttp

    url = f"{_base_url(seat.serving)}/v1/chat/completions"
    key = next((os.environ[name] for name in API_KEYS if os.environ.get(name)), None)
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEEP_ALIVE),
        headers={"Authorization": f"Bearer {key}"} if key else {},
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
    )
    structured = seat.serving.engine_args.get("structured_output") is True
    model = seat.model.endpoint_model or seat.name
    return OpenAIEngine(session, url, model, structured=structured)


def remote_host(serving: Serving) -> str | None:
    """The endpoint's host, if it is not this machine; a name other than localhost may be any."""
    host = urlsplit(_base_url(serving)).hostname or ""
    try:
        here = ipaddress.ip_address(host).is_loopback
    except ValueError:
        here = host == "localhost"
    return None if here else host


def _base_url(serving: Serving) -> str:
    url = os.environ.get(BASE_URL) or serving.engine_args.get("base_url")
    if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
        raise UnavailableError(
            f"{BASE_URL} names no endpoint", fix=f"export {BASE_URL}=http://127.0.0.1:8000"
        )
    return url.rstrip("/").removesuffix("/v1")


def _body(model: str, messages: Sequence[Message], sampling: Sampling) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": one.role, "content": one.content} for one in messages],
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "seed": sampling.seed,
        "logprobs": True,
    }
    if sampling.top_k:
        body["top_k"] = sampling.top_k
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    return body


def _generation(document: Any) -> Generation:
    try:
        choice, usage = document["choices"][0], document["usage"]
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        return Generation(
            text=choice["message"]["content"] or "",
            input_tokens=usage["prompt_tokens"] - cached,
            cached_input_tokens=cached,
            output_tokens=usage["completion_tokens"],
            mean_logprob=_mean_logprob(choice.get("logprobs")),
            finish_reason=choice.get("finish_reason") or "stop",
        )
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        what = f"the response lacks what a completion has: {type(error).__name__} {error}"
        raise EngineError(what) from error


def _mean_logprob(logprobs: Any) -> float | None:
    values = [float(token["logprob"]) for token in (logprobs or {}).get("content") or ()]
    return sum(values) / len(values) if values else None


def _refused(status: int, headers: Mapping[str, str], data: bytes) -> EngineError:
    text = data[:QUOTED].decode(errors="replace")
    return EngineError(
        f"HTTP {status}: {text}",
        retryable=status in RETRYABLE or status >= SERVER_ERROR,
        retry_after=_retry_after(headers.get("Retry-After")),
    )


def _retry_after(value: str | None) -> float | None:
    """Seconds, from a number of seconds or an HTTP date (RFC 9110, 10.2.3)."""
    if not value:
        return None
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
