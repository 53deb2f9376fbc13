"""Answers to equal requests of one tenant to one release."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatekeeper.model.envelope import RequestEnvelope
    from gatekeeper.ports import Clock


class MemoryCache:
    """The most recently used values, each for a limited time."""

    def __init__(self, clock: Clock, ttl_seconds: float, max_entries: int) -> None:
        self._clock = clock
        self._ttl_us = round(ttl_seconds * 1e6)
        self._max = max_entries
        self._values: OrderedDict[str, tuple[int, Any]] = OrderedDict()

    def get(self, key: str) -> Any | None:
        """The value, or None when absent or expired."""
        expires, value = self._values.get(key, (0, None))
        if value is None:
            return None
        if expires <= self._clock.monotonic_us():
            del self._values[key]
            return None
        self._values.move_to_end(key)
        return value

    def put(self, key: str, value: Any) -> None:
        """Keep `value` for the time to live; the least recently used one goes."""
        self._values[key] = (self._clock.monotonic_us() + self._ttl_us, value)
        self._values.move_to_end(key)
        if len(self._values) > self._max:
            self._values.popitem(last=False)


def cache_key(release: str, request: RequestEnvelope, text: str, replicate: int = 0) -> str:
    """Everything that the rendered request depends on.

    The snapshot and the templates are fixed by the release's digest, so retrieval and rendering
    need not have happened.
    """
    parts = (
        release,
        request.tenant_id,
        request.task_class,
        request.response_format,
        [(turn.role, turn.content) for turn in request.history],
        [(turn.role, turn.content) for turn in request.exchange],
        text,
        replicate,
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
