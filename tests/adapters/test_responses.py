"""The response cache: whatever decides an answer is in its key, and nothing in it is trusted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gatekeeper.adapters.engines.cached import CachedEngine, identity
from gatekeeper.adapters.engines.seat import Seat
from gatekeeper.adapters.responses import ResponseCache
from gatekeeper.model.components import (
    EngineRequirement,
    FileDigest,
    PinnedModel,
    Sampling,
    Serving,
)
from gatekeeper.ports import Generation, Message, ModelFiles

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SHA = "{:064x}"
ASKED = (Message("system", "Be brief."), Message("user", "How long?"))


@dataclass
class Counter:
    """An engine that answers how often it was asked."""

    told: Mapping[str, str] = field(default_factory=lambda: {"engine": "embedded", "version": "1"})
    asked: int = 0

    @property
    def fingerprint(self) -> Mapping[str, str]:
        return self.told

    async def generate(self, *_: Any, **__: Any) -> Generation:
        self.asked += 1
        return Generation(f"answer {self.asked}", 3, 2)

    async def close(self) -> None:
        """Nothing to let go of."""


def files(number: int) -> ModelFiles:
    return ModelFiles(Path("/nowhere"), f"sha256:{SHA.format(number)}")


def serving(**engine_args: Any) -> Serving:
    return Serving(engines=(EngineRequirement(name="embedded"),), engine_args=engine_args)


SEAT = Seat("desk", PinnedModel(), serving(), files(1))
OTHER_SEATS = {
    "weights": replace(SEAT, files=files(2)),
    "adapter": replace(SEAT, adapters={"tone": files(3)}),
    "tokenizer": replace(
        SEAT,
        model=PinnedModel(
            tokenizer_files=(FileDigest(path="tokenizer.json", size=1, sha256=SHA.format(4)),)
        ),
    ),
    "template": replace(SEAT, model=PinnedModel(chat_template="{{ messages }}")),
    "engine arguments": replace(SEAT, serving=serving(max_model_len=64)),
    "hosted model": Seat("desk", PinnedModel(pinned=False, endpoint_model="big"), serving()),
}
OTHER_QUESTIONS: dict[str, dict[str, Any]] = {
    "messages": {"messages": (*ASKED[:1], Message("user", "How wide?"))},
    "role": {"messages": (Message("user", "Be brief."), ASKED[1])},
    "seed": {"sampling": Sampling(seed=8)},
    "stop words": {"sampling": Sampling(stop=("\n",))},
    "length": {"sampling": Sampling(max_tokens=7)},
    "temperature": {"sampling": Sampling(temperature=0.5)},
    "schema": {"json_schema": {"type": "object"}},
}


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[ResponseCache]:
    opened = ResponseCache(tmp_path / "responses.sqlite")
    yield opened
    opened.close()


def ask(engine: Counter, seat: Seat, cache: ResponseCache, **changes: Any) -> Generation:
    asked = {"messages": ASKED, "sampling": Sampling(seed=7), **changes}
    cached = CachedEngine(engine, identity(seat), cache)
    return asyncio.run(
        cached.generate(asked.pop("messages"), asked.pop("sampling"), timeout=1, **asked)
    )


def test_the_same_question_is_answered_once_and_says_so(cache: ResponseCache) -> None:
    engine = Counter()
    made = ask(engine, SEAT, cache)
    again = ask(engine, SEAT, cache)
    assert (made.from_cache, again.from_cache, again.text) == (False, True, made.text)
    assert engine.asked == 1
    renamed = replace(SEAT, name="other")
    assert ask(engine, renamed, cache).from_cache


@pytest.mark.parametrize("seat", OTHER_SEATS.values(), ids=OTHER_SEATS)
def test_whatever_answers_differently_is_asked_itself(cache: ResponseCache, seat: Seat) -> None:
    ask(Counter(), SEAT, cache)
    assert not ask(Counter(), seat, cache).from_cache


@pytest.mark.parametrize("changes", OTHER_QUESTIONS.values(), ids=OTHER_QUESTIONS)
def test_another_question_has_another_answer(cache: ResponseCache, changes: dict[str, Any]) -> None:
    ask(Counter(), SEAT, cache)
    assert not ask(Counter(), SEAT, cache, **changes).from_cache


def test_another_engine_version_is_asked_itself(cache: ResponseCache) -> None:
    ask(Counter(), SEAT, cache)
    assert not ask(Counter({"engine": "embedded", "version": "2"}), SEAT, cache).from_cache
