"""The whole pipeline over vLLM against raw `LLM.chat`: samples a second on the same prompts.

    .venv-vllm/bin/python benchmarks/vllm_harness.py [--samples 300] [--rounds 3] [--concurrency 64]

Both have an engine of their own, loaded once. No engine reads a prompt twice, so that its prefix
cache gives nothing away. The cold round is the first after loading; the warm ones follow in random
order. The pipeline does all that an evaluation does with a request: guardrails, retrieval, routing,
rendering, budgets, generation with probabilities, validation, a record.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from example import ROOT, opened, questions
from gatekeeper.adapters.engines.vllm.surroundings import environment
from gatekeeper.adapters.machine import machine
from gatekeeper.pipeline.pipeline import Context, Pipeline
from gatekeeper.ports import Generation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.model.envelope import RequestEnvelope
    from gatekeeper.ports import Message

CONTEXT = Context(lane="offline", workload="benchmark")
TARGET = 0.95


class Listener:
    """An engine that costs nothing and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Sequence[Message]] = []

    async def generate(  # noqa: D102
        self, messages: Sequence[Message], *_: object, **__: object
    ) -> Generation:
        self.asked.append(messages)
        return Generation("24 months [1]", 120, 9, mean_logprob=-0.01)


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    samples: int
    rounds: int
    concurrency: int


def raw_engine() -> Any:
    """`LLM` with the settings that the release gives our engine."""
    with environment():
        from vllm import LLM

        gpu = machine().serves_with_cuda
        settings = {} if gpu else {"dtype": "float32", "enforce_eager": True}
        memory = {} if gpu else {"kv_cache_memory_bytes": 1 << 30}
        model = str(ROOT / "models/support-desk")
        return LLM(model, max_model_len=512, seed=7, **settings, **memory)


def raw(llm: Any, prompts: Sequence[Sequence[Message]]) -> float:
    """Seconds for all prompts at once."""
    from vllm import SamplingParams

    talks = [[{"role": one.role, "content": one.content} for one in talk] for talk in prompts]
    greedy = SamplingParams(temperature=0, max_tokens=96)
    started = time.perf_counter()
    made = llm.chat(talks, greedy, use_tqdm=False)
    seconds = time.perf_counter() - started
    assert all(one.outputs[0].token_ids for one in made)  # noqa: S101 - a measured failure is none
    return seconds


async def ours(pipeline: Pipeline, asked: Sequence[RequestEnvelope], concurrency: int) -> float:
    """Seconds for all requests, so many at a time."""
    waiting, states = iter(asked), []

    async def worker() -> None:
        for request in waiting:
            served = await pipeline.handle(request, CONTEXT)
            states.append(served.request.status)

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    seconds = time.perf_counter() - started
    assert "error" not in states, states  # noqa: S101 - a measured failure is none
    return seconds


async def rendered(pipeline: Pipeline, asked: Sequence[RequestEnvelope]) -> list[Sequence[Message]]:
    """The messages that the pipeline makes of each request."""
    generator, engines = pipeline._generator, dict(pipeline.engines)  # noqa: SLF001
    listener = Listener()
    generator._engines = dict.fromkeys(engines, listener)  # noqa: SLF001
    for request in asked:
        await pipeline.handle(request, CONTEXT)
    generator._engines = engines  # noqa: SLF001
    return listener.asked


def line(name: str, samples: int, raw_seconds: float, our_seconds: float) -> str:
    ratio = raw_seconds / our_seconds
    return f"{name:12}{samples / raw_seconds:16.1f}{samples / our_seconds:16.1f}{ratio:10.3f}"


async def main(size: Size) -> None:
    every = questions(size.samples * (size.rounds + 1), "Ticket {}. ")
    chance = random.Random(7)  # noqa: S311 - an order, not a secret
    with tempfile.TemporaryDirectory() as directory:
        async with opened(Path(directory), "vllm") as pipeline:
            print("serving on", pipeline.engines["desk"].fingerprint["device"])
            prompts = await rendered(pipeline, every)
            assert len(prompts) == len(every)  # noqa: S101 - one prompt a request
            llm = raw_engine()
            print(f"{'samples/s':12}{'LLM.chat':>16}{'gatekeeper':>16}{'ratio':>10}")
            ratios = []
            for number in range(size.rounds + 1):
                part = slice(number * size.samples, (number + 1) * size.samples)
                both = ["raw", "ours"]
                chance.shuffle(both)
                seconds = {}
                for which in both:
                    if which == "raw":
                        seconds[which] = raw(llm, prompts[part])
                    else:
                        seconds[which] = await ours(pipeline, every[part], size.concurrency)
                name = f"warm {number}" if number else "cold"
                print(line(name, size.samples, seconds["raw"], seconds["ours"]))
                ratios.append(seconds["raw"] / seconds["ours"])
    print(f"warm, median ratio {statistics.median(ratios[1:]):.3f}; target {TARGET}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--concurrency", type=int, default=64)
    arguments = parser.parse_args()
    if find_spec("vllm") is None:
        print("vLLM is not in this environment: `make .venv-vllm/.installed`, and use its Python")
        sys.exit(0)
    asyncio.run(main(Size(arguments.samples, arguments.rounds, arguments.concurrency)))
