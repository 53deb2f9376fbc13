"""What an endpoint says of itself: its models, and the version of its server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.engines.openai.decoding import decoded
from gatekeeper.adapters.engines.openai.stream import collect
from gatekeeper.errors import EngineError

if TYPE_CHECKING:
    from gatekeeper.adapters.engines.openai.connection import Connection

SECONDS: Final = 2
"""For each question."""
MOST_BYTES: Final = 1 << 20
MOST_TEXT: Final = 100
OK: Final = 200


async def ask(connection: Connection, model: str) -> dict[str, str]:
    """What there is to know; nothing where the endpoint does not say, or does not answer soon."""
    # One after the other: a second connection would be left over.
    listed = await _document(connection, "/v1/models")
    version = await _document(connection, "/version")
    told = {**_of_model(listed, model), "server_version": _field(version, "version")}
    return {name: connection.redaction(text) for name, text in told.items() if text}


def _of_model(listed: Any, model: str) -> dict[str, str]:
    models = listed.get("data") if isinstance(listed, dict) else None
    for one in models if isinstance(models, list) else ():
        if isinstance(one, dict) and one.get("id") == model:
            return {"served_model": _field(one, "id"), "owned_by": _field(one, "owned_by")}
    return {}


def _field(document: Any, name: str) -> str:
    value = document.get(name) if isinstance(document, dict) else None
    return value[:MOST_TEXT] if isinstance(value, str) and value.isprintable() else ""


async def _document(connection: Connection, path: str) -> Any:
    import aiohttp

    try:
        async with (
            asyncio.timeout(SECONDS),
            connection.session.get(connection.base + path, allow_redirects=False) as response,
        ):
            if response.status != OK:
                return None
            arrival = await collect(response.content, MOST_BYTES, watch=False)
            return decoded(arrival.data)
    except (aiohttp.ClientError, EngineError, TimeoutError, ValueError):
        return None
