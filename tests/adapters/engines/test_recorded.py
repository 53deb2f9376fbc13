"""Answers from a file: found by what was asked, refused by line where they are none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from gatekeeper.adapters.engines import recorded
from gatekeeper.adapters.engines.recorded import RESPONSES, RecordedEngine
from gatekeeper.adapters.engines.seat import Seat
from gatekeeper.errors import EngineError, InputError, UnavailableError
from gatekeeper.model.components import EngineRequirement, PinnedModel, Sampling, Serving
from gatekeeper.ports import Generation, Message

if TYPE_CHECKING:
    from pathlib import Path

MODEL = "small"


def line(text: str = "24 months", asked: str = "How long?", **parts: Any) -> dict[str, Any]:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": asked}]
    return {"model": MODEL, "messages": messages, "text": text, **parts}


def told(asked: str = "How long?") -> list[Message]:
    return [Message("system", "Be brief."), Message("user", asked)]


def write(path: Path, *lines: dict[str, Any] | str | bytes) -> Path:
    data = [one if isinstance(one, str | bytes) else json.dumps(one) for one in lines]
    path.write_bytes(b"".join((d.encode() if isinstance(d, str) else d) + b"\n" for d in data))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "responses.jsonl"


async def ask(engine: RecordedEngine, asked: str = "How long?", seed: int = 0) -> Generation:
    return await engine.generate(told(asked), Sampling(seed=seed), timeout=1)


async def asked_once(path: Path, *asked: Any, model: str = MODEL) -> Generation:
    engine = RecordedEngine(path, model)
    try:
        return await ask(engine, *asked)
    finally:
        await engine.close()


async def test_an_answer_is_given_with_all_that_is_known_of_it(path: Path) -> None:
    parts = {
        "input_tokens": 9, "cached_input_tokens": 1, "output_tokens": 3, "mean_logprob": -0.5,
        "time_to_first_token_us": 7, "finish_reason": "length", "queue_us": None,
        "inter_token_us": 2, "kv_cache_usage": 0.25,
    }  # fmt: skip
    assert await asked_once(write(path, line(**parts))) == Generation(text="24 months", **parts)
    assert await asked_once(write(path, line())) == Generation("24 months", 0, 0)


async def test_the_seed_decides_where_it_is_recorded_and_any_answer_does_otherwise(
    path: Path,
) -> None:
    write(path, line("one", seed=1), line("any"), line("two", seed=2), line("again", seed=1))
    engine = RecordedEngine(path, MODEL)
    said = [(await ask(engine, seed=seed)).text for seed in (1, 2, 3, 1)]
    assert said == ["one", "two", "any", "one"]
    await engine.close()


async def test_another_seed_model_or_question_has_no_answer(path: Path) -> None:
    write(path, line(seed=1), line(asked="Why?", model="large"))
    for asked, seed, model in (("How long?", 2, MODEL), ("Why?", 0, MODEL), ("?", 1, "large")):
        with pytest.raises(EngineError, match="no answer is recorded") as caught:
            await asked_once(path, asked, seed, model=model)
        assert caught.value.retryable is False
    assert (await asked_once(path, "Why?", model="large")).text == "24 months"


async def test_answers_are_found_wherever_they_are_in_a_large_file(path: Path) -> None:
    write(path, *(line(f"{n} months", f"{n}?", input_tokens=n) for n in range(5000)))
    engine = RecordedEngine(path, MODEL)
    for number in (4999, 0, 2500, 1, 4998):
        found = await ask(engine, f"{number}?")
        assert (found.text, found.input_tokens) == (f"{number} months", number)
    await engine.close()


async def test_two_questions_of_one_key_are_never_taken_for_each_other(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded, "_KEY", 1)
    write(path, *(line(f"{n}", f"{n}?") for n in range(600)))
    engine = RecordedEngine(path, MODEL)
    found = []
    for number in range(600):
        try:
            found.append((await ask(engine, f"{number}?")).text == f"{number}")
        except EngineError:
            continue
    assert 100 < len(found) <= 256
    assert all(found)
    await engine.close()


async def test_what_it_answers_from_is_its_fingerprint(path: Path) -> None:
    prints = []
    for text in ("one", "two", "one"):
        engine = RecordedEngine(write(path, line(text)), MODEL)
        prints.append(engine.fingerprint)
        await engine.close()
    assert prints[0] == prints[2] != prints[1]
    assert (prints[0]["engine"], prints[0]["version"]) == ("recorded", "1")


async def test_it_can_be_closed_twice_and_answers_no_more(path: Path) -> None:
    engine = RecordedEngine(write(path, line()), MODEL)
    await engine.close()
    await engine.close()
    with pytest.raises(EngineError, match="has been closed"):
        await ask(engine)


BAD = {
    "it lacks 'text'": {"model": MODEL, "messages": []},
    "it lacks 'model'": {"messages": [], "text": ""},
    "it lacks 'messages'": {"model": MODEL, "text": ""},
    "it lacks 'content'": {"model": MODEL, "messages": [{"role": "user"}], "text": ""},
    "unknown answer, from_cache": line(answer="x", from_cache=True),
    "`text` is no text": line(5),  # type: ignore[arg-type]
    "`model` is no text": line(model=None),
    "`finish_reason` is no text": line(finish_reason=None),
    "`seed` is no count": line(seed="7"),
    "`input_tokens` is no count": line(input_tokens=None),
    "`output_tokens` is no count": line(output_tokens=-1),
    "`cached_input_tokens` is no count": line(cached_input_tokens=1.5),
    "`queue_us` is no count": line(queue_us=True),
    "`mean_logprob` is no number": line(mean_logprob="low"),
    "`kv_cache_usage` is no number": line(kv_cache_usage=float("nan")),
    "a message has a `role` or `content` that is no text": line(asked=["x"]),  # type: ignore[arg-type]
    "it is no object": "[]",
    "Expecting value": "",
    "Expecting ',' delimiter": '{"model": "small"',
    "'utf-8' codec can't decode": b'{"model": "\xff"}',
    "maximum recursion depth": "[" * 100_000,
}


@pytest.mark.parametrize("said", BAD)
def test_a_line_that_is_no_answer_is_refused(path: Path, said: str) -> None:
    with pytest.raises(InputError) as caught:
        RecordedEngine(write(path, line(), BAD[said], line()), MODEL)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.column) == (str(path), 2, 1)
    assert problem.message.startswith(f"is no recorded answer: {said}")


def test_every_bad_line_is_told_at_once_up_to_a_hundred(path: Path) -> None:
    write(path, line(), "{}", line(), "[]")
    with pytest.raises(InputError) as caught:
        RecordedEngine(path, MODEL)
    assert [problem.line for problem in caught.value.problems] == [2, 4]
    with pytest.raises(InputError) as caught:
        RecordedEngine(write(path, *["{}"] * 150), MODEL)
    assert [problem.line for problem in caught.value.problems] == [*range(1, 101)]


@pytest.fixture(autouse=True)
def _unnamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(RESPONSES, raising=False)


def seat(**engine_args: Any) -> Seat:
    serving = Serving(engines=(EngineRequirement(name="recorded"),), engine_args=engine_args)
    return Seat(MODEL, PinnedModel(), serving)


async def test_the_file_is_named_by_the_evaluation_or_else_by_the_surroundings(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write(tmp_path / "other.jsonl", line("other"))
    write(path, line("named"))
    monkeypatch.setenv(RESPONSES, str(other))
    for one, said in ((seat(responses=str(path)), "named"), (seat(), "other")):
        assert recorded.installed(one.serving) == "1"
        engine = await recorded.open_engine(one)
        assert (await ask(engine)).text == said
        await engine.close()


@pytest.mark.parametrize("args", [{}, {"responses": 5}])
def test_without_a_file_it_is_not_there(args: dict[str, Any]) -> None:
    with pytest.raises(UnavailableError, match="no file of responses is named") as caught:
        recorded.installed(seat(**args).serving)
    assert "--responses" in caught.value.fix


@pytest.mark.parametrize("name", ["absent.jsonl", "."])
async def test_a_file_that_is_absent_or_none_is_named(tmp_path: Path, name: str) -> None:
    named = str(tmp_path / name)
    with pytest.raises(UnavailableError, match="there is no such file") as caught:
        await recorded.open_engine(seat(responses=named))
    assert caught.value.where == named
