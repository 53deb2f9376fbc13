"""Vectors from any endpoint that speaks OpenAI's `/v1/embeddings`."""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from gatekeeper.adapters.engines.openai.refusal import passes
from gatekeeper.adapters.engines.openai.stream import collect
from gatekeeper.core.rate_limits import retry_after
from gatekeeper.errors import EngineError, UnavailableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import aiohttp

    from gatekeeper.core.scoring.likeness import Endpoint

TIMEOUT: Final = 60.0
"""Seconds for one request."""
ATTEMPTS: Final = 3
MOST: Final = 64 << 20
"""Bytes of one response."""
OK: Final = 200
LONGEST: Final = 60.0
"""Seconds of a pause at most, whatever the endpoint asks for."""


class EndpointEmbedder:
    """One embedding model of one endpoint."""

    def __init__(self, session: aiohttp.ClientSession, endpoint: Endpoint) -> None:
        self._session = session
        self._model = endpoint.model
        self._url = f"{endpoint.url.rstrip('/')}/embeddings"

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """Host and model: what runs behind an endpoint cannot be known."""
        return {self._model: urlsplit(self._url).hostname or ""}

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector a text; transport errors and refusals for load are tried again."""
        for attempt in range(1, ATTEMPTS):
            try:
                return await self._once(texts)
            except EngineError as error:
                if not error.retryable:
                    raise
                await asyncio.sleep(min(error.retry_after or 0.25 * 2**attempt, LONGEST))
        return await self._once(texts)

    async def close(self) -> None:
        """End the connections."""
        await self._session.close()

    async def _once(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        import aiohttp

        body = {"model": self._model, "input": list(texts), "encoding_format": "float"}
        try:
            async with self._session.post(self._url, json=body, allow_redirects=False) as response:
                if response.status != OK:
                    raise EngineError(
                        f"answers with status {response.status}",
                        where=self._url,
                        retryable=passes(response.status),
                        retry_after=retry_after(response.headers, time.time()),
                    )
                arrival = await collect(response.content, MOST, watch=False)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise EngineError(f"no answer: {error or 'timeout'}", where=self._url) from None
        return vectors(arrival.data, len(texts), self._url)


def vectors(data: bytes | bytearray, count: int, where: str) -> list[list[float]]:
    """The vectors of a response in the order of the texts; raises `EngineError`."""
    try:
        rows: list[Any] = sorted(json.loads(data)["data"], key=lambda row: row["index"])
        found = [[float(value) for value in row["embedding"]] for row in rows]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise EngineError(
            f"does not answer with embeddings: {error!r:.200}", where=where, retryable=False
        ) from None
    if len(found) != count or len({len(one) for one in found}) != 1:
        raise EngineError(f"gave {len(found)} vectors for {count} texts", where=where)
    return found


def open_endpoint(endpoint: Endpoint) -> EndpointEmbedder:
    """Connections to an endpoint, with its key from the environment.

    Raises:
        UnavailableError: aiohttp is not installed.
        UsageError: The variable that should hold the key is not set.
    """
    try:
        import aiohttp
    except ImportError:
        raise UnavailableError(
            "embeddings from an endpoint need aiohttp", fix="pip install 'gatekeeper[openai]'"
        ) from None
    headers = {}
    if endpoint.key_env is not None:
        key = os.environ.get(endpoint.key_env)
        if not key:
            raise UsageError(
                f"{endpoint.key_env} is not set", fix="it must hold the endpoint's key"
            )
        headers["Authorization"] = f"Bearer {key}"
    timeout = aiohttp.ClientTimeout(total=TIMEOUT)
    return EndpointEmbedder(aiohttp.ClientSession(headers=headers, timeout=timeout), endpoint)
