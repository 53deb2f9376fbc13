"""Any endpoint that speaks OpenAI's chat completions, over kept-alive connections.

The key comes from the environment (`GATEKEEPER_OPENAI_API_KEY`, `OPENAI_API_KEY`) and goes nowhere
but into the request's header; the address from `GATEKEEPER_OPENAI_BASE_URL` or from the engine
argument `base_url`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from gatekeeper.adapters.hosts import is_local
from gatekeeper.errors import UnavailableError

if TYPE_CHECKING:
    from gatekeeper.adapters.engines.openai.client import OpenAIEngine
    from gatekeeper.adapters.engines.seat import Seat
    from gatekeeper.model.components import Serving

BASE_URL: Final = "GATEKEEPER_OPENAI_BASE_URL"
API_KEYS: Final = ("GATEKEEPER_OPENAI_API_KEY", "OPENAI_API_KEY")
API_VERSION: Final = "1"


def installed(serving: Serving) -> str:
    """Version 1 of the interface, where an address is known."""
    try:
        import aiohttp  # noqa: F401
    except ImportError:
        raise UnavailableError(
            "aiohttp is not installed", fix="pip install 'gatekeeper[openai]'"
        ) from None
    from gatekeeper.adapters.engines.openai.options import Options

    _base_url(serving)
    Options.of(serving)
    return API_VERSION


async def open_engine(seat: Seat) -> OpenAIEngine:
    """Connections to the endpoint, and what it says of itself."""
    from gatekeeper.adapters.engines.openai import identity
    from gatekeeper.adapters.engines.openai.client import OpenAIEngine
    from gatekeeper.adapters.engines.openai.connection import connect
    from gatekeeper.adapters.engines.openai.options import Options

    options = Options.of(seat.serving)
    connection = connect(_base_url(seat.serving), _key(), options.max_concurrency)
    model = seat.model.endpoint_model or seat.name
    told = await identity.ask(connection, model)
    known = {"engine": "openai", "version": API_VERSION, "endpoint": connection.host}
    return OpenAIEngine(connection, model, options, {**known, "model": model, **told})


def remote_host(serving: Serving) -> str | None:
    """The endpoint's host, if it is not this machine; a name other than localhost may be any."""
    url = _base_url(serving)
    return None if is_local(url) else urlsplit(url).hostname or ""


def _base_url(serving: Serving) -> str:
    url = os.environ.get(BASE_URL) or serving.engine_args.get("base_url")
    if not isinstance(url, str) or not _names_a_host(url):
        raise UnavailableError(
            f"{BASE_URL} names no endpoint", fix=f"export {BASE_URL}=http://127.0.0.1:8000"
        )
    if _key() and urlsplit(url).username is not None:
        raise UnavailableError(
            f"there is a key, and {BASE_URL} holds a name or a password: a request takes one",
            fix=f"take them out of {BASE_URL}, or unset {' and '.join(API_KEYS)}",
        )
    return url.rstrip("/").removesuffix("/v1")


def _names_a_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # no port is so high, or a bracket is not closed
        return False


def _key() -> str | None:
    return next((os.environ[name] for name in API_KEYS if os.environ.get(name)), None)
