"""Kept-alive connections to one endpoint, with the key in their headers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from gatekeeper.adapters.engines.openai.gate import Gate, gate_of
from gatekeeper.adapters.engines.openai.redaction import Redaction

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

KEEP_ALIVE: Final = 4
"""Seconds. Servers made with uvicorn, vLLM's among them, hang up after 5 idle ones, and a request
sent at that moment is lost: let go first."""
CONNECT_SECONDS: Final = 10
BUFFER: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class Connection:
    """One endpoint.

    Attributes:
        base: Its address, without `/v1`.
        gate: How many requests it is given, and when; shared by all that ask this endpoint.
    """

    session: aiohttp.ClientSession
    base: str
    chat: URL
    gate: Gate
    redaction: Redaction

    @property
    def host(self) -> str:
        """The endpoint's name or number."""
        return urlsplit(self.base).hostname or ""


def connect(base: str, key: str | None, most: int) -> Connection:
    """Connections to `base`, opened when they are needed."""
    import aiohttp
    from yarl import URL

    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    session = aiohttp.ClientSession(
        # The gate limits; a second limit here would only cost.
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=headers,
        skip_auto_headers=("Accept", "User-Agent"),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        read_bufsize=BUFFER,
    )
    parts = urlsplit(base)
    secrets = tuple(text for text in (key, parts.password) if text)
    gate = gate_of((parts.scheme, parts.hostname or "", parts.port), most)
    chat = URL(f"{base}/v1/chat/completions")
    return Connection(session, base, chat, gate, Redaction(secrets))
