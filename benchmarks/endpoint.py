"""The engine `openai` and whole evaluations over an endpoint that answers at once.

    python benchmarks/endpoint.py [--requests 3000] [--samples 2000] [--peers]

First the engine alone against aiohttp without it: requests a second and processor time. Then
`gatekeeper evaluate` as a user starts it, start-up and gate included; with `--peers` beside
Inspect, promptfoo and lm-evaluation-harness on the same samples, each in its own way, which takes
minutes and installs them below `~/.cache/gatekeeper-benchmarks` the first time. The endpoint is a
process of its own; its processor time counts for nobody.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from gatekeeper.adapters.engines import openai
from gatekeeper.adapters.engines.seat import Seat
from gatekeeper.model.components import EngineRequirement, PinnedModel, Sampling, Serving
from gatekeeper.ports import Message
from local import peers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

HERE = Path(__file__).parent
CONCURRENT = 64
ROUNDS = 3
FEW = 100
"""Samples of a run that is mostly start-up."""
TALK = [
    Message("system", "You are the support desk. Answer from the context, briefly."),
    Message("user", "[1] The warranty of X is 24 months.\n" * 8 + "Question: how long is it?"),
]


class Open:
    """A gate that lets everybody through: what the limiter costs is the difference."""

    async def enter(self, timeout: float) -> float:  # noqa: ARG002, D102
        return time.monotonic()

    def leave(self) -> None:  # noqa: D102
        return

    def answered(self) -> None:  # noqa: D102
        return

    def heed(self, *_: object) -> None:  # noqa: D102
        return


@contextmanager
def endpoint(tokens: int) -> Iterator[str]:
    """The address of the endpoint, while the block lasts."""
    command = [sys.executable, str(HERE / "local/instant.py"), "--tokens", str(tokens)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout  # noqa: S101 - for the type checker
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


async def crowd(ask: Callable[[], Awaitable[object]], count: int) -> tuple[float, float]:
    """Requests a second, and microseconds of processor time for each."""
    numbers = iter(range(count))

    async def worker() -> None:
        for _ in numbers:
            await ask()

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(worker() for _ in range(CONCURRENT)))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return count / wall, cpu / count * 1e6


async def engine(**engine_args: object) -> openai.OpenAIEngine:
    serving = Serving(engines=(EngineRequirement(name="openai"),), engine_args=engine_args)
    model = PinnedModel(pinned=False, endpoint_model="instant")
    return await openai.open_engine(Seat("instant", model, serving))


async def alone(url: str, count: int) -> None:
    """The engine beside plain aiohttp, in turns; the best of each."""
    os.environ[openai.BASE_URL] = url
    chat = f"{url}/v1/chat/completions"
    body = {"model": "instant", "messages": [{"role": m.role, "content": m.content} for m in TALK]}
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def raw(*, stream: bool) -> None:
        async with session.post(chat, json=body | {"stream": stream}) as response:
            data = await response.read()
        if not stream:
            json.loads(data)

    engines = {
        "plain": await engine(stream=False),
        "plain, no gate": await engine(stream=False),
        "stream": await engine(),
    }
    ungated = engines["plain, no gate"]
    object.__setattr__(ungated._connection, "gate", Open())  # noqa: SLF001
    ways: dict[str, Callable[[], Awaitable[object]]] = {
        "aiohttp, JSON parsed": partial(raw, stream=False),
        "aiohttp, stream unparsed": partial(raw, stream=True),
    }
    for name, one in engines.items():
        ways[f"engine, {name}"] = partial(one.generate, TALK, Sampling(max_tokens=64), timeout=30)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            found[name].append(await crowd(way, count))
    for one in (*engines.values(), session):
        await one.close()
    print(f"{'the engine alone':28}{'requests/s':>12}{'CPU us each':>13}{'CPU ratio':>11}")
    floor = min(cpu for _, cpu in found["aiohttp, JSON parsed"])
    for name, rounds in found.items():
        rate, cpu = max(rate for rate, _ in rounds), min(cpu for _, cpu in rounds)
        print(f"{name:28}{rate:12,.0f}{cpu:13,.0f}{cpu / floor:11.2f}")


def whole(url: str, sizes: tuple[int, int], only: str | None, *, compare: bool) -> None:
    """Whole evaluations, one after the other: ours of the first size, others of the second.

    Each is done twice, the first time with few samples: the difference is what a sample costs once
    everything has started.
    """
    home = peers.install() if compare else None
    head = ("samples", "seconds", "start, s", "samples/s", "slower", "CPU ms", "more CPU")
    print(f"\n{'whole evaluations':26}" + "".join(f"{name:>11}" for name in head))
    ours: peers.Time | None = None
    for name, prepare in peers.contestants(home).items():
        mine = name.startswith("gatekeeper")
        if only and not mine and name != only:
            continue
        samples = sizes[0] if mine else sizes[1]
        few, many = (peers.measure(prepare, url, size) for size in (FEW, samples))
        each = peers.Time(
            (many.wall - few.wall) / (samples - FEW), (many.cpu - few.cpu) / (samples - FEW)
        )
        ours = ours or each
        start = few.wall - FEW * each.wall
        row = f"{samples:11,}{many.wall:11.1f}{start:11.1f}{1 / each.wall:11,.0f}"
        row += f"{each.wall / ours.wall:11.1f}{each.cpu * 1e3:11.2f}{each.cpu / ours.cpu:11.1f}"
        print(f"{name:26}{row}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=3000)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--peer-samples", type=int, help="fewer for the others; they take longer")
    parser.add_argument("--tokens", type=int, default=20)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--only", help="this peer only")
    asked = parser.parse_args()
    with endpoint(asked.tokens) as url:
        asyncio.run(alone(url, asked.requests))
        sizes = (asked.samples, asked.peer_samples or asked.samples)
        whole(url, sizes, asked.only, compare=asked.peers)


if __name__ == "__main__":
    main()
