"""The response cache before an engine: what decides an answer, and nothing else, is in the key."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.adapters.engines.conformance import seat_of

from gatekeeper.adapters.engines.cached import CachedEngine, identity
from gatekeeper.adapters.responses import ResponseCache
from gatekeeper.errors import EngineError
from gatekeeper.model.components import Sampling
from gatekeeper.ports import Generation, Message, ModelFiles

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

TOLD = (Message("system", "Be brief."), Message("user", "How long?"))
SCHEMA = {"type": "object", "properties": {"a": {}, "b": {}}}


class Counting:
    """An engine that answers with how often it was asked."""

    def __init__(self, **fingerprint: str) -> None:
        self.fingerprint = {"engine": "embedded", "version": "1", **fingerprint}
        self.asked = 0
        self.failing: Exception | None = None
        self.closed = False

    async def generate(
        self,
        messages: Sequence[Message],  # noqa: ARG002 - as every engine
        sampling: Sampling,  # noqa: ARG002
        *,
        timeout: float,  # noqa: ARG002
        json_schema: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> Generation:
        self.asked += 1
        if self.failing is not None:
            raise self.failing
        return Generation(f"answer {self.asked}", 10, 3, mean_logprob=-0.25)

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[ResponseCache]:
    found = ResponseCache(tmp_path / "responses.sqlite")
    yield found
    found.close()


BASE: dict[str, Any] = {"messages": TOLD, "sampling": Sampling(), "schema": None}
SEAT = seat_of("embedded", max_model_len=512)
ASKED_OTHERWISE: dict[str, dict[str, Any]] = {
    "text": {"messages": (TOLD[0], Message("user", "How long"))},
    "role": {"messages": (Message("user", "Be brief."), TOLD[1])},
    "order": {"messages": TOLD[::-1]},
    "split": {"messages": (Message("system", "Be brief.user"), Message("", "How long?"))},
    "more": {"messages": (*TOLD, Message("assistant", ""))},
    "schema": {"schema": SCHEMA},
    "seed": {"sampling": Sampling(seed=1)},
    "max_tokens": {"sampling": Sampling(max_tokens=255)},
    "temperature": {"sampling": Sampling(temperature=0.1)},
    "top_p": {"sampling": Sampling(top_p=0.9)},
    "top_k": {"sampling": Sampling(top_k=5)},
    "stop": {"sampling": Sampling(stop=("x",))},
}
SERVED_OTHERWISE = {
    "weights": replace(SEAT, files=replace(SEAT.files, digest="sha256:" + "1" * 64)),  # type: ignore[type-var]
    "template": replace(SEAT, model=SEAT.model.model_copy(update={"chat_template": "{{ x }}"})),
    "engine_args": seat_of("embedded", max_model_len=256),
    "adapter": replace(SEAT, adapters={"fine": ModelFiles(SEAT.files.root, "sha256:1")}),  # type: ignore[union-attr]
    "other adapter": replace(SEAT, adapters={"fine": ModelFiles(SEAT.files.root, "sha256:2")}),  # type: ignore[union-attr]
}


async def ask(
    cache: ResponseCache, engine: Counting, seat: Any = SEAT, timeout: float = 9, **other: Any
) -> Generation:
    asked = {**BASE, **other}
    return await CachedEngine(engine, identity(seat), cache).generate(
        asked["messages"], asked["sampling"], timeout=timeout, json_schema=asked["schema"]
    )


async def test_what_was_asked_before_is_not_asked_again(cache: ResponseCache) -> None:
    engine = Counting()
    made, known = await ask(cache, engine), await ask(cache, engine)
    assert engine.asked == 1
    assert made.from_cache is False
    assert known == replace(made, from_cache=True)


@pytest.mark.parametrize("what", ASKED_OTHERWISE)
async def test_whatever_is_asked_otherwise_is_asked_anew(cache: ResponseCache, what: str) -> None:
    engine = Counting()
    await ask(cache, engine)
    assert (await ask(cache, engine, **ASKED_OTHERWISE[what])).text == "answer 2"
    assert (await ask(cache, engine, **ASKED_OTHERWISE[what])).from_cache


@pytest.mark.parametrize("what", SERVED_OTHERWISE)
async def test_whatever_is_served_otherwise_is_asked_anew(cache: ResponseCache, what: str) -> None:
    engine = Counting()
    await ask(cache, engine)
    assert (await ask(cache, engine, SERVED_OTHERWISE[what])).text == "answer 2"


async def test_each_thing_that_is_served_has_answers_of_its_own(cache: ResponseCache) -> None:
    engine = Counting()
    seats = [SEAT, *SERVED_OTHERWISE.values()]
    said = [(await ask(cache, engine, seat)).text for seat in seats]
    assert len(set(said)) == len(seats)


@pytest.mark.parametrize("part", ["engine", "version", "compute_type"])
async def test_another_fingerprint_is_asked_anew(cache: ResponseCache, part: str) -> None:
    await ask(cache, Counting())
    assert (await ask(cache, Counting(**{part: "other"}))).from_cache is False


async def test_nothing_else_is_in_the_key(cache: ResponseCache) -> None:
    """Time limits, names of the release's own, and the order of keys decide no answer."""
    engine = Counting()
    await ask(cache, engine, schema=SCHEMA)
    backwards = {"properties": {"b": {}, "a": {}}, "type": "object"}
    sampling = Sampling(seed=0, max_tokens=256)
    renamed = replace(SEAT, name="other", tokenizer=None)
    assert (await ask(cache, engine, schema=backwards, timeout=1)).from_cache
    assert (await ask(cache, engine, schema=SCHEMA, sampling=sampling)).from_cache
    assert (await ask(cache, engine, renamed, schema=SCHEMA)).from_cache
    assert engine.asked == 1


@pytest.mark.parametrize("error", [EngineError("down"), TimeoutError()])
async def test_what_failed_is_not_remembered(cache: ResponseCache, error: Exception) -> None:
    engine = Counting()
    engine.failing = error
    with pytest.raises(type(error)):
        await ask(cache, engine)
    engine.failing = None
    assert (await ask(cache, engine)).from_cache is False
    assert (await ask(cache, engine)).from_cache is True


async def test_it_is_the_engine_in_all_else(cache: ResponseCache) -> None:
    engine = Counting()
    cached = CachedEngine(engine, {}, cache)
    assert cached.fingerprint == engine.fingerprint
    await cached.close()
    assert engine.closed
