"""Real vLLM behind the engine interface: `make test-vllm`. One engine is loaded for the module.

It computes in float32 and greedily: answers have to equal those of `embedded`, to the letter.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.adapters.engines.conformance import (
    AS_JSON,
    GREEDY,
    MODEL,
    SCHEMA,
    Conformance,
    House,
    files_of,
    question,
    seat_of,
)

from gatekeeper.adapters.engines import embedded, vllm
from gatekeeper.adapters.environment import present
from gatekeeper.errors import EngineError
from gatekeeper.model.components import Sampling
from gatekeeper.ports import Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.ports import Engine, Generation

ROOT = Path(__file__).parents[2]
EACH = 4
"""Held-out conversations of each task."""
SEED = 20_261_121
ARGUMENTS = {"max_model_len": 512, "block_size": 32, "inter_threads": 2}
LONG = Sampling(max_tokens=400)
SCHEMA_OF_NOTHING = {"type": "object", "properties": {"a": {"type": "nonsense"}}}

pytestmark = [pytest.mark.vllm, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def vllm_house() -> Iterator[House]:
    before = dict(os.environ)
    with asyncio.Runner() as runner:
        ours = os.getpgrp()
        # The engine's processes get a group of their own, as on a terminal, without our parent.
        os.setpgid(0, 0)
        engine = runner.run(vllm.open_engine(seat_of("vllm", **ARGUMENTS)))
        os.setpgid(0, ours)
        assert dict(os.environ) == before
        yield House(engine, runner)
        runner.run(engine.close())


@pytest.fixture
def house(vllm_house: House) -> House:
    return vllm_house


def processes(group: int) -> set[int]:
    """Those of a group that run."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its = path.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(its) == group and state != "Z":
            found.add(int(path.parent.name))
    return found - {os.getpid()}


async def by_embedded(talks: list[list[Message]], sampling: Sampling) -> list[Generation]:
    engine = await embedded.open_engine(seat_of("embedded"))
    try:
        return await asked(engine, talks, sampling)
    finally:
        await engine.close()


async def asked(engine: Engine, talks: list[list[Message]], sampling: Sampling):
    return await asyncio.gather(*(engine.generate(talk, sampling, timeout=120) for talk in talks))


def held_out() -> list[list[Message]]:
    """Conversations that share no name, value or template with the training of the model."""
    sys.path.insert(0, str(ROOT / "models/training"))
    try:
        import world
    finally:
        del sys.path[0]
    samples = [one for task in world.TASKS for one in world.held_out(task, EACH, SEED)]
    return [[Message(**turn) for turn in sample.messages] for sample in samples]


def test_the_bundled_model_says_the_same_in_vllm_and_embedded(house: House):
    talks, sampling = held_out(), Sampling(max_tokens=160)
    assert len(talks) >= 50
    expected = asyncio.run(by_embedded(talks, sampling))
    made = house.run(asked(house.engine, talks, sampling))
    assert len({one.text for one in expected}) > len(expected) / 4
    assert [one.text for one in made] == [one.text for one in expected]
    for one, other in zip(made, expected, strict=True):
        assert one.input_tokens + one.cached_input_tokens == other.input_tokens
        assert one.output_tokens == other.output_tokens
        assert one.mean_logprob == pytest.approx(other.mean_logprob, abs=1e-3)


def test_times_and_the_prefix_cache_are_in_the_generation(house: House):
    house.ask(9)
    made = house.ask(9)
    assert made.cached_input_tokens >= 32
    assert 0 < made.time_to_first_token_us < 10_000_000
    assert 0 <= made.queue_us <= made.time_to_first_token_us
    assert 0 < made.inter_token_us < 10_000_000
    assert house.ask(9, Sampling(max_tokens=1)).inter_token_us is None


def test_the_kv_cache_is_watched_while_it_is_used(house: House):
    async def crowd() -> list[Generation]:
        return await asyncio.gather(*(house.asking(number) for number in range(100)))

    assert max(one.kv_cache_usage for one in house.run(crowd())) > 0


def test_the_fingerprint_says_what_was_known_before_loading(house: House):
    found = dict(house.engine.fingerprint)
    before = present("vllm", seat_of("vllm").serving)
    assert {key: found[key] for key in before} == before
    assert found["dtype"] == "float32"
    assert found["max_model_len"] == "512"


def test_a_seed_repeats_what_chance_said(house: House):
    def said(seed: int) -> str:
        hot = Sampling(max_tokens=24, temperature=2.0, seed=seed)
        talk = [Message("user", "What is there to say?")]
        return house.run(house.engine.generate(talk, hot, timeout=60)).text

    once = [said(seed) for seed in range(8)]
    assert [said(seed) for seed in range(8)] == once
    assert len(set(once)) > 4


def test_what_vllm_refuses_is_not_tried_again(house: House):
    talk = [Message("user", "why " * 3000)]
    with pytest.raises(EngineError, match="longer than the maximum model length") as caught:
        house.run(house.engine.generate(talk, GREEDY, timeout=30))
    assert not caught.value.retryable
    with pytest.raises(EngineError, match="refuses the request") as caught:
        house.ask(4, json_schema=SCHEMA_OF_NOTHING)
    assert not caught.value.retryable


def test_requests_that_ran_out_of_time_are_withdrawn(house: House):
    async def hurried() -> list[Generation | BaseException]:
        asking = (house.asking(number, LONG, timeout=0.02) for number in range(40))
        return await asyncio.gather(*asking, return_exceptions=True)

    assert TimeoutError in map(type, house.run(hurried()))  # a machine may be too fast for one
    house.ask()
    assert house.engine._loaded.core.get_num_unfinished_requests() == 0


def test_an_interruption_of_the_group_lets_requests_finish(house: House):
    group = os.getpgid(house.engine._loaded.pids[0])
    assert group != os.getpgrp()
    assert len(processes(group)) >= 2

    async def interrupted() -> list[Generation]:
        asking = [asyncio.create_task(house.asking(number)) for number in range(40)]
        await asyncio.sleep(0.02)
        os.killpg(group, signal.SIGINT)
        return await asyncio.gather(*asking)

    assert len(house.run(interrupted())) == 40
    assert house.ask().text.strip() == "24 months [1]"


class TestVllm(Conformance):
    @pytest.fixture
    def house(self, vllm_house: House) -> House:
        return vllm_house

    def test_an_answer_held_to_a_schema_has_no_other_choice(self, house: House):
        one = {**SCHEMA, "properties": {"answer": {"const": "no"}, "source": {"const": 2}}}
        talk = [AS_JSON, *question(4)[1:]]
        made = house.run(house.engine.generate(talk, GREEDY, timeout=60, json_schema=one))
        assert json.loads(made.text) == {"answer": "no", "source": 2}

    def test_it_can_be_closed_twice_and_answers_no_more(self, house: House):
        """Closed while requests run, it fails them at once and leaves no process behind."""
        pids = house.engine._loaded.pids
        started = {*pids, *_children(pids)}

        async def closed() -> list[object]:
            asking = [asyncio.create_task(house.asking(number, LONG)) for number in range(40)]
            await asyncio.sleep(0.02)
            await house.engine.close()
            return await asyncio.gather(*asking, return_exceptions=True)

        ended = house.run(closed())
        assert all(isinstance(one, EngineError) for one in ended if not hasattr(one, "text"))
        super().test_it_can_be_closed_twice_and_answers_no_more(house)
        assert not any(_alive(pid) for pid in started)


@pytest.fixture(scope="module")
def adapted_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The same model through a LoRA adapter that changes what it says."""
    seat = seat_of("vllm", **ARGUMENTS, max_lora_rank=8)
    root = adapter(tmp_path_factory.mktemp("adapter"))
    with asyncio.Runner() as runner:
        engine = runner.run(vllm.open_engine(replace(seat, adapters={"loud": files_of(root)})))
        yield House(engine, runner)
        runner.run(engine.close())


def adapter(root: Path) -> Path:
    """A LoRA adapter of rank 8 on the query projections, its figures drawn with a fixed seed."""
    import torch
    from safetensors.torch import save_file

    sizes = json.loads((MODEL / "config.json").read_text())
    torch.manual_seed(1)
    weights = {}
    for layer in range(sizes["num_hidden_layers"]):
        name = f"base_model.model.model.layers.{layer}.self_attn.q_proj"
        weights[f"{name}.lora_A.weight"] = torch.randn(8, sizes["hidden_size"])
        weights[f"{name}.lora_B.weight"] = torch.randn(sizes["hidden_size"], 8)
    save_file(weights, root / "adapter_model.safetensors")
    settings = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["q_proj"]}
    (root / "adapter_config.json").write_text(json.dumps({**settings, "bias": "none"}))
    return root


def test_an_adapter_changes_what_the_model_says(adapted_house: House):
    said = [adapted_house.ask(number).text.strip() for number in range(6)]
    assert all(not one.startswith(f"{20 + number} months") for number, one in enumerate(said))


def test_a_dead_engine_fails_every_request_at_once(adapted_house: House):
    house, pids = adapted_house, adapted_house.engine._loaded.pids
    workers = set(_children(pids))

    async def killed() -> tuple[list[object], float]:
        asking = [asyncio.create_task(house.asking(number, LONG)) for number in range(40)]
        await asyncio.sleep(0.02)
        os.kill(pids[0], signal.SIGKILL)
        began = time.monotonic()
        return await asyncio.gather(*asking, return_exceptions=True), time.monotonic() - began

    ended, seconds = house.run(killed())
    failed = [one for one in ended if isinstance(one, EngineError)]
    assert len(failed) > 20
    assert not any(one.retryable for one in failed)
    assert seconds < 15
    with pytest.raises(EngineError, match="died"):
        house.ask()
    house.run(house.engine.close())
    deadline = time.monotonic() + 30
    while any(_alive(pid) for pid in {*pids, *workers}):
        assert time.monotonic() < deadline, "something of it is left"
        time.sleep(0.1)


def _children(pids: list[int]) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent in pids:
            found.append(int(path.parent.name))
    return found


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
