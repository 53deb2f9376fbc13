"""Vectors from any endpoint that speaks OpenAI's `/v1/embeddings`."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

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
RETRYABLE: Final = frozenset((408, 409, 425, 429, 500, 502, 503, 504))


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
                await asyncio.sleep(error.retry_after or 0.25 * 2**attempt)
        return await self._once(texts)

    async def close(self) -> None:
        """End the connections."""
        await self._session.close()

    async def _once(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        import aiohttp

        body = {"model": self._model, "input": list(texts), "encoding_format": "float"}
        try:
            async with self._session.post(self._url, json=body) as response:
                data = await response.content.read(MOST + 1)
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise EngineError(f"no answer: {error or 'timeout'}", where=self._url) from None
        if status != 200:  # noqa: PLR2004 - HTTP's "OK"
            raise EngineError(
                f"answers with status {status}", where=self._url, retryable=status in RETRYABLE
            )
        return vectors(data, len(texts), self._url)


def vectors(data: bytes, count: int, where: str) -> list[list[float]]:
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


def is_local(url: str) -> bool:
    """Whether an address is this machine; a name other than localhost may be any."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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
