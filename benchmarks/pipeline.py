"""Pipeline overhead per request, against calling the engine directly. One run, ratios first.

    python benchmarks/pipeline.py [--requests 300]

Three comparisons, each in random alternation on the same questions: one request at a time with the
bundled model, many at a time with the bundled model, and an engine that answers at once, which
leaves nothing but the pipeline. There are more questions than the tokenizer remembers prompts, so
each is tokenized anew.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from example import opened, questions
from gatekeeper.pipeline.pipeline import Context, Pipeline
from gatekeeper.ports import Generation

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from gatekeeper.model.components import Sampling
    from gatekeeper.model.envelope import RequestEnvelope
    from gatekeeper.ports import Engine, Message

CONTEXT = Context(lane="offline", workload="benchmark")
CONCURRENT = 32


class Listener:
    """An engine that passes on and remembers what it was asked."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.asked: list[tuple[Sequence[Message], Sampling]] = []

    async def generate(  # noqa: D102
        self, messages: Sequence[Message], sampling: Sampling, **options: object
    ) -> Generation:
        self.asked.append((messages, sampling))
        return await self.engine.generate(messages, sampling, **options)  # type: ignore[arg-type]


class Instant:
    """An engine that costs nothing."""

    async def generate(self, *_: object, **__: object) -> Generation:  # noqa: D102
        return Generation("24 months [1] - Ada", 120, 9, mean_logprob=-0.01)


async def timed(run: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    await run()
    return time.perf_counter() - started


async def alternating(
    count: int,
    through: Callable[[int], Awaitable[object]],
    direct: Callable[[int], Awaitable[object]],
) -> tuple[list[float], list[float]]:
    """Seconds of each call, both ways in random order for each question."""
    chance = random.Random(7)  # noqa: S311 - an order, not a secret
    first: list[float] = []
    second: list[float] = []
    for number in range(count):
        ways = [(through, first), (direct, second)]
        chance.shuffle(ways)
        for way, times in ways:
            times.append(await timed(partial(way, number)))
    return first, second


async def crowd(count: int, way: Callable[[int], Awaitable[object]]) -> float:
    """Seconds a request with `CONCURRENT` requests at a time."""
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            await way(number)

    return await timed(lambda: asyncio.gather(*(worker() for _ in range(CONCURRENT)))) / count


def line(name: str, through: float, direct: float) -> str:
    ratio = f"{through / direct:9.2f}" if direct else f"{'-':>9}"
    added = (through - direct) * 1e6
    return f"{name:34}{direct * 1e6:12,.0f}{through * 1e6:14,.0f}{added:10,.0f}{ratio}"


async def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        async with opened(Path(directory)) as pipeline:
            await compare(pipeline, questions(count))


async def compare(pipeline: Pipeline, requests: list[RequestEnvelope]) -> None:
    generator, engine = pipeline._generator, pipeline.engines["desk"]  # noqa: SLF001
    listener = Listener(engine)
    generator._engines = {"desk": listener}  # noqa: SLF001
    for request in requests:
        await pipeline.handle(request, CONTEXT)
    asked = list(listener.asked)
    generator._engines = {"desk": engine}  # noqa: SLF001

    def through(number: int) -> Awaitable[object]:
        return pipeline.handle(requests[number], CONTEXT)

    def direct(number: int) -> Awaitable[object]:
        messages, sampling = asked[number]
        return engine.generate(messages, sampling, timeout=30.0)

    print(f"{'microseconds a request':34}{'engine':>12}{'pipeline':>14}{'added':>10}{'ratio':>9}")
    one, two = await alternating(len(requests), through, direct)
    print(line("one at a time, median", statistics.median(one), statistics.median(two)))
    rounds = [
        (await crowd(len(requests), through), await crowd(len(requests), direct)) for _ in range(3)
    ]
    both = [statistics.median(side) for side in zip(*rounds, strict=True)]
    print(line(f"{CONCURRENT} at a time, throughput", *both))
    generator._engines = {"desk": Instant()}  # noqa: SLF001
    alone, _ = await alternating(len(requests), through, lambda _: asyncio.sleep(0))
    print(line("an engine that costs nothing", statistics.median(alone), 0.0))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=300)
    asyncio.run(main(parser.parse_args().requests))
