"""What generates, embeds and counts: the models of a release, and their tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatekeeper.model.components import Sampling


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message as the model sees it."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Generation:
    """What an engine made of one prompt.

    Attributes:
        text: The answer, stop token excluded.
        input_tokens: Prompt tokens computed.
        cached_input_tokens: Prompt tokens read from a prefix cache.
        output_tokens: Tokens generated, the stop token included.
        mean_logprob: Mean natural log-probability of the generated tokens, if known.
        time_to_first_token_us: Null where the engine does not stream.
        finish_reason: ``stop`` or ``length``.
        queue_us: Time that the request waited inside the engine, if known.
        inter_token_us: Mean time between two tokens after the first, if known.
        kv_cache_usage: Share of the engine's KV cache in use when the answer ended, if known.
        from_cache: It was read from the response cache: nothing was computed or paid.
    """

    text: str
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    mean_logprob: float | None = None
    time_to_first_token_us: int | None = None
    finish_reason: str = "stop"
    queue_us: int | None = None
    inter_token_us: int | None = None
    kv_cache_usage: float | None = None
    from_cache: bool = False


class Engine(Protocol):
    """Generates text with one named model of a release."""

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """Engine name, version, and whatever else the validation depends on."""
        ...

    async def generate(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        *,
        timeout: float,
        json_schema: Mapping[str, Any] | None = None,
    ) -> Generation:
        """One completion; raises `EngineError`, or `TimeoutError` when the time is over."""
        ...

    async def close(self) -> None:
        """Free the model or the connections."""
        ...


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """What the vectors depend on: name and version, model and host."""
        ...

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector for each text, all of one length; raises `EngineError`."""
        ...

    async def close(self) -> None:
        """Free the model or the connections."""
        ...


class Tokenizer(Protocol):
    """Counts tokens as the model does, chat template included."""

    def count(self, messages: Sequence[Message]) -> int:
        """Tokens of the rendered conversation, generation prompt included."""
        ...

    def count_text(self, text: str) -> int:
        """Tokens of a bare text."""
        ...

    def bound(self, messages: Sequence[Message]) -> int:
        """At least `count`, for next to nothing: the bytes of the rendered conversation."""
        ...
