"""An engine under a ceiling: set aside before the call, settled after it, whatever comes of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.adapters.engines.test_cached import TOLD, Counting

from gatekeeper.adapters.engines.metered import MeteredEngine
from gatekeeper.core.ceiling import Ceiling, CeilingError
from gatekeeper.errors import EngineError, UndecidedError
from gatekeeper.model.components import Sampling
from gatekeeper.model.prices import PriceBook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.ports import Generation, Message

PRICES = PriceBook.model_validate(
    {
        "apiVersion": "gatekeeper/v1",
        "kind": "PriceBook",
        "currency": "USD",
        "effective": "2026-11-01",
        "models": {
            "small": {
                "input_usd_per_million": 1,
                "cached_input_usd_per_million": 0.1,
                "output_usd_per_million": 2,
            }
        },
    }
)
BOUND, COUNT, MAX_TOKENS = 40, 12, 5
USED_TOKENS, USED_NANO = 13, 10 * 1000 + 3 * 2000
"""What `Counting` says of an answer: ten tokens read, three written."""


class Tokens:
    """A tokenizer that knows its bound at once and remembers how often it had to count."""

    counted = 0

    def bound(self, messages: Sequence[Message]) -> int:  # noqa: ARG002 - as every tokenizer
        return BOUND

    def count(self, messages: Sequence[Message]) -> int:  # noqa: ARG002 - as every tokenizer
        self.counted += 1
        return COUNT

    def count_text(self, text: str) -> int:
        raise NotImplementedError


class Slow(Counting):
    """Answers when it is let."""

    def __init__(self, ceiling: Ceiling) -> None:
        super().__init__()
        self.ceiling = ceiling
        self.let = asyncio.Event()
        self.came = asyncio.Event()
        self.held = (0, 0)

    async def generate(self, *given: Any, **named: Any) -> Generation:
        self.held = self.ceiling.held_nano_usd, self.ceiling.held_tokens
        self.came.set()
        await self.let.wait()
        return await super().generate(*given, **named)


def metered(engine: Counting, ceiling: Ceiling, tokens: Tokens | None = None) -> MeteredEngine:
    return MeteredEngine(engine, "small", tokens or Tokens(), PRICES, ceiling)


async def ask(engine: MeteredEngine) -> Generation:
    return await engine.generate(TOLD, Sampling(max_tokens=MAX_TOKENS), timeout=1)


async def test_the_most_is_set_aside_before_and_what_was_used_counts_after() -> None:
    ceiling = Ceiling(max_tokens=1000)
    slow, tokens = Slow(ceiling), Tokens()
    asking = asyncio.create_task(ask(metered(slow, ceiling, tokens)))
    await slow.came.wait()
    assert slow.held == (BOUND * 1000 + MAX_TOKENS * 2000, BOUND + MAX_TOKENS)
    slow.let.set()
    assert (await asking).text == "answer 1"
    assert (ceiling.nano_usd, ceiling.tokens) == (USED_NANO, USED_TOKENS)
    assert (ceiling.held_nano_usd, ceiling.held_tokens) == (0, 0)
    assert tokens.counted == 0


async def test_tokens_are_counted_only_where_the_bound_does_not_fit() -> None:
    ceiling, tokens = Ceiling(max_tokens=BOUND + MAX_TOKENS), Tokens()
    engine = metered(Counting(), ceiling, tokens)
    await ask(engine)
    assert tokens.counted == 0
    await ask(engine)
    assert tokens.counted == 1
    assert ceiling.tokens == 2 * USED_TOKENS


async def test_nothing_is_asked_that_might_be_too_much() -> None:
    for ceiling in (
        Ceiling(max_tokens=COUNT + MAX_TOKENS - 1),
        Ceiling(max_nano_usd=COUNT * 1000 + MAX_TOKENS * 2000 - 1),
    ):
        engine = Counting()
        with pytest.raises(CeilingError):
            await ask(metered(engine, ceiling))
        assert engine.asked == 0
        assert (ceiling.tokens, ceiling.held_tokens, ceiling.held_nano_usd) == (0, 0, 0)


@pytest.mark.parametrize("error", [EngineError("down"), TimeoutError()])
async def test_what_failed_has_used_nothing(error: Exception) -> None:
    engine, ceiling = Counting(), Ceiling(max_tokens=1000)
    engine.failing = error
    with pytest.raises(type(error)):
        await ask(metered(engine, ceiling))
    assert (ceiling.tokens, ceiling.held_tokens, ceiling.held_nano_usd) == (0, 0, 0)


async def test_who_gives_up_sets_nothing_aside_any_more() -> None:
    ceiling = Ceiling(max_tokens=1000)
    slow = Slow(ceiling)
    asking = asyncio.create_task(ask(metered(slow, ceiling)))
    await slow.came.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (ceiling.tokens, ceiling.held_tokens) == (0, 0)


async def test_a_model_without_a_price_is_not_asked() -> None:
    engine, ceiling = Counting(), Ceiling(max_tokens=1000)
    with pytest.raises(UndecidedError, match="no price for the model 'large'"):
        await ask(MeteredEngine(engine, "large", Tokens(), PRICES, ceiling))
    assert (engine.asked, ceiling.held_tokens) == (0, 0)


async def test_it_is_the_engine_in_all_else() -> None:
    engine = Counting()
    wrapped = metered(engine, Ceiling())
    assert wrapped.fingerprint == engine.fingerprint
    await wrapped.close()
    assert engine.closed
