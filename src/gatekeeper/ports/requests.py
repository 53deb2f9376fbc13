"""What a request needs beside models: documents, a memory, the time, a place for its record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gatekeeper.model.record import Row


@dataclass(frozen=True, slots=True)
class Chunk:
    """A retrieved piece of a document: ``source`` is ``path#n``."""

    source: str
    text: str
    tenant: str | None = None
    score: float = 0.0


class Retriever(Protocol):
    """Finds chunks of one snapshot."""

    def search(self, query: str, *, top_k: int, tenant: str | None) -> Sequence[Chunk]:
        """At most `top_k` chunks that `tenant` may see, best first, ties by source."""
        ...


class Cache(Protocol):
    """Responses by key, forgetting the oldest."""

    def get(self, key: str) -> Any | None:
        """The value, or None when absent or expired."""
        ...

    def put(self, key: str, value: Any) -> None:
        """Keep it for the time to live."""
        ...


class Clock(Protocol):
    """Time, so that tests and replays can choose it."""

    def now_us(self) -> int:
        """Microseconds since the epoch, UTC."""
        ...

    def monotonic_us(self) -> int:
        """Microseconds that never go back."""
        ...


class RecordStore(Protocol):
    """Takes rows and makes them durable."""

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows, in order."""
        ...
