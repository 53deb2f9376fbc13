"""The embedded engine with the model that the example ships."""

from __future__ import annotations

import asyncio
import json
import math
import shutil
from pathlib import Path

import pytest

from gatekeeper.adapters.engines import embedded
from gatekeeper.adapters.engines.seat import Seat
from gatekeeper.adapters.tokenizer import ChatTokenizer
from gatekeeper.errors import EngineError, IntegrityError, UnavailableError
from gatekeeper.model.components import EngineRequirement, PinnedModel, Sampling, Serving
from gatekeeper.ports import Message, ModelFiles

MODEL = Path(__file__).parents[3] / "models" / "support-desk"
SYSTEM = Message("system", "You are the support desk of Northwind. Answer briefly.")
GREEDY = Sampling(max_tokens=40)


def question(number: int) -> list[Message]:
    facts = [f"The warranty of the Zentor Prime is {20 + number} months."]
    facts += [f"The colour of the Velto is shade {line}." for line in range(number % 4)]
    context = "\n".join(f"[{line}] {fact}" for line, fact in enumerate(facts, 1))
    text = f"Context:\n{context}\nQuestion: What is the warranty of the Zentor Prime?"
    return [SYSTEM, Message("user", text)]


def files_of(root: Path) -> ModelFiles:
    paths = [path for path in root.rglob("*") if path.is_file()]
    return ModelFiles(root, "sha256:0", {p.relative_to(root).as_posix(): "" for p in paths})


def seat_of(root: Path = MODEL, **engine_args) -> Seat:
    serving = Serving(engines=(EngineRequirement(name="embedded"),), engine_args=engine_args)
    return Seat("desk", PinnedModel(), serving, files_of(root), ChatTokenizer.load(root))


async def ask(engine, number=4, sampling=GREEDY, timeout=30.0):
    return await engine.generate(question(number), sampling, timeout=timeout)


async def test_it_reads_its_prompt():
    engine = await embedded.open_engine(seat_of())
    made = await ask(engine)
    await engine.close()
    assert made.text.strip() == "24 months [1]"
    assert made.finish_reason == "stop"
    assert made.input_tokens == ChatTokenizer.load(MODEL).count(question(4))
    assert 0.5 < math.exp(made.mean_logprob) <= 1


async def test_batches_answer_as_single_requests_do():
    engine = await embedded.open_engine(seat_of(max_batch_size=4))
    alone = [await ask(engine, number) for number in range(12)]
    together = await asyncio.gather(*(ask(engine, number) for number in range(12)))
    await engine.close()
    assert [made.text for made in together] == [made.text for made in alone]
    for one, other in zip(alone, together, strict=True):
        assert one.mean_logprob == pytest.approx(other.mean_logprob, abs=1e-4)
        assert (one.input_tokens, one.output_tokens) == (other.input_tokens, other.output_tokens)


async def test_requests_that_sample_differently_are_not_mixed():
    engine = await embedded.open_engine(seat_of())
    short = Sampling(max_tokens=2)
    made = await asyncio.gather(
        *(ask(engine, number, short if number % 2 else GREEDY) for number in range(6))
    )
    await engine.close()
    assert [one.finish_reason for one in made] == ["stop", "length"] * 3
    assert [one.output_tokens for one in made[1::2]] == [2, 2, 2]


async def test_sampling_and_stop_strings():
    engine = await embedded.open_engine(seat_of())
    warm = Sampling(max_tokens=20, temperature=0.7, top_p=0.9, top_k=5)
    assert (await ask(engine, sampling=warm)).output_tokens > 0
    whole = await ask(engine)
    word = whole.text.split()[1]
    stopped = await ask(engine, sampling=Sampling(max_tokens=40, stop=(word, "never said")))
    await engine.close()
    assert stopped.text == whole.text.partition(word)[0]
    assert stopped.finish_reason == "stop"


async def test_time_is_limited_and_the_engine_goes_on():
    engine = await embedded.open_engine(seat_of())
    with pytest.raises(TimeoutError):
        await ask(engine, timeout=0.0)
    assert (await ask(engine)).text
    await engine.close()


async def test_closing_waits_for_what_runs_and_refuses_the_rest():
    engine = await embedded.open_engine(seat_of(max_batch_size=1, inter_threads=1))
    asked = [asyncio.create_task(ask(engine)) for _ in range(4)]
    while len(engine._waiting) != 3:  # noqa: ASYNC110 - until the first batch has begun
        await asyncio.sleep(0)
    await engine.close()
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert results[0].text
    assert all(isinstance(one, EngineError) for one in results[1:])
    with pytest.raises(EngineError, match="unloaded"):
        await ask(engine)


async def test_a_failing_computation_is_an_engine_error():
    engine = await embedded.open_engine(seat_of())
    engine._generator.unload_model()
    with pytest.raises(EngineError, match="generation failed"):
        await ask(engine)
    await engine.close()


async def test_the_fingerprint_names_what_the_validation_depends_on():
    engine = await embedded.open_engine(seat_of())
    found = engine.fingerprint
    await engine.close()
    assert (found["engine"], found["compute_type"]) == ("embedded", "float32")
    assert found["version"] == embedded.installed(seat_of().serving)
    assert found["cpu"]


@pytest.fixture
def copy(tmp_path) -> Path:
    root = tmp_path / "model"
    shutil.copytree(MODEL, root)
    return root


async def test_a_file_that_the_release_does_not_list_is_refused(copy):
    seat = seat_of(copy)
    (copy / "ct2" / "vocabulary.txt").write_text("x")
    with pytest.raises(IntegrityError, match=r"ct2/vocabulary\.txt"):
        await embedded.open_engine(seat)


async def test_a_model_without_conversion_says_what_is_absent(copy):
    shutil.rmtree(copy / "ct2")
    with pytest.raises(UnavailableError, match="no CTranslate2 conversion"):
        await embedded.open_engine(seat_of(copy))


async def test_a_model_that_cannot_be_loaded_is_named(copy):
    (copy / "ct2" / "model.bin").write_bytes(b"\0" * 64)
    with pytest.raises(UnavailableError, match="cannot be loaded"):
        await embedded.open_engine(seat_of(copy))


async def test_a_hosted_model_is_not_for_this_engine():
    seat = Seat("desk", PinnedModel(pinned=False), seat_of().serving)
    with pytest.raises(UnavailableError, match="hosted elsewhere"):
        await embedded.open_engine(seat)


def test_the_conversion_is_of_the_shipped_model():
    settings = json.loads((MODEL / "config.json").read_text())
    vocabulary = json.loads((MODEL / "ct2" / "vocabulary.json").read_text())
    assert len(vocabulary) == settings["vocab_size"]
