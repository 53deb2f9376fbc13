"""An engine under the ceiling of a run: what a call may use is set aside before it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatekeeper.core.ceiling import Ceiling
    from gatekeeper.model.components import Sampling
    from gatekeeper.model.prices import PriceBook
    from gatekeeper.ports import Engine, Generation, Message, Tokenizer


class MeteredEngine:
    """One model's engine under a ceiling.

    Args:
        model: What the price book calls the model.
        tokenizer: Bounds what a prompt can hold.
    """

    def __init__(
        self, engine: Engine, model: str, tokenizer: Tokenizer, prices: PriceBook, ceiling: Ceiling
    ) -> None:
        self._engine = engine
        self._model = model
        self._tokenizer = tokenizer
        self._prices = prices
        self._ceiling = ceiling

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
        """One completion; raises `CeilingError` where it might be one too many."""
        reserved = self._reserve(messages, sampling.max_tokens)
        used = (0, 0)
        try:
            made = await self._engine.generate(
                messages, sampling, timeout=timeout, json_schema=json_schema
            )
            used = self._used(made)
            return made
        finally:
            self._ceiling.settle(reserved, used)

    async def close(self) -> None:
        """Close the engine."""
        await self._engine.close()

    def _reserve(self, messages: Sequence[Message], max_tokens: int) -> tuple[int, int]:
        worst = (0, 0)
        for tokens in self._sizes(messages):
            worst = self._cost(tokens, 0, max_tokens), tokens + max_tokens
            if self._ceiling.fits(*worst):
                break
        self._ceiling.reserve(*worst)
        return worst

    def _sizes(self, messages: Sequence[Message]) -> Iterator[int]:
        """Counting is dear: only where the bound from above does not fit."""
        yield self._tokenizer.bound(messages)
        yield self._tokenizer.count(messages)

    def _used(self, made: Generation) -> tuple[int, int]:
        tokens = made.input_tokens, made.cached_input_tokens, made.output_tokens
        return self._cost(*tokens), sum(tokens)

    def _cost(self, computed: int, cached: int, generated: int) -> int:
        return self._prices.cost(self._model, computed, cached, generated)
