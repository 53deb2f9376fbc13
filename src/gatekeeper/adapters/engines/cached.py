"""An engine before which the response cache stands."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatekeeper.adapters.engines.seat import Seat
    from gatekeeper.adapters.responses import ResponseCache
    from gatekeeper.model.components import Sampling
    from gatekeeper.ports import Engine, Generation, Message


class CachedEngine:
    """One model's engine; what it was asked before, in this run or another, it is not asked again.

    Args:
        identity: What decides an answer beside messages and sampling: the weights, the chat
            template, engine arguments. The engine's fingerprint is added to it.
    """

    def __init__(self, engine: Engine, identity: Mapping[str, Any], cache: ResponseCache) -> None:
        self._engine = engine
        self._cache = cache
        about = {"engine": dict(engine.fingerprint), **identity}
        self._prefix = hashlib.sha256(_canonical(about))

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """The engine's."""
        return self._engine.fingerprint

    async def generate(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        *,
        timeout: float,
        json_schema: Mapping[str, Any] | None = None,
    ) -> Generation:
        """One completion, remembered or made; only whole answers are remembered."""
        key = self._key(messages, sampling, json_schema)
        known = self._cache.get(key)
        if known is not None:
            return replace(known, from_cache=True)
        made = await self._engine.generate(
            messages, sampling, timeout=timeout, json_schema=json_schema
        )
        self._cache.put(key, made)
        return made

    async def close(self) -> None:
        """Close the engine."""
        await self._engine.close()

    def _key(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        json_schema: Mapping[str, Any] | None,
    ) -> bytes:
        asked = [[message.role, message.content] for message in messages]
        key = self._prefix.copy()
        key.update(_canonical([asked, sampling.model_dump(mode="json"), json_schema]))
        return key.digest()


def identity(seat: Seat) -> dict[str, Any]:
    """What decides an answer beside the engine, the messages and the sampling."""
    return {
        "model": seat.files.digest if seat.files else seat.model.endpoint_model,
        "tokenizer": [file.sha256 for file in seat.model.tokenizer_files],
        "adapters": {name: found.digest for name, found in seat.adapters.items()},
        "chat_template": seat.model.chat_template,
        "engine_args": seat.serving.engine_args,
    }


def _canonical(value: Any) -> bytes:
    """The same bytes for the same value; a key need not be the same elsewhere."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
