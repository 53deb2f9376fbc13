"""The engine `openai` and whole evaluations over an endpoint that answers at once.

    python benchmarks/endpoint.py [--requests 3000] [--samples 2000] [--peers] [--only NAME]

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
import tempfile
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


def whole(url: str, samples: int, only: str | None, *, compare: bool) -> None:
    """Whole evaluations, one after the other; ratios to gatekeeper's."""
    home = peers.install() if compare else None
    with tempfile.TemporaryDirectory() as directory:
        found = {}
        for name, prepare in peers.contestants(home).items():
            if only and name not in (only, "gatekeeper"):
                continue
            place = Path(directory) / name.replace(" ", "-")
            place.mkdir()
            found[name] = peers.measure(prepare(place, url, samples), samples)
    head = ("samples", "samples/s", "ours, times", "CPU ms each", "ours, times")
    print(f"\n{'whole evaluations':26}" + "".join(f"{name:>13}" for name in head))
    ours = found["gatekeeper"]
    for name, one in found.items():
        faster, leaner = ours.rate / one.rate, one.cpu_ms / ours.cpu_ms
        row = f"{one.rate:13,.0f}{faster:13.1f}{one.cpu_ms:13.2f}{leaner:13.1f}"
        print(f"{name:26}{samples:13,}{row}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=3000)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--tokens", type=int, default=20)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--only", help="this peer only")
    asked = parser.parse_args()
    with endpoint(asked.tokens) as url:
        asyncio.run(alone(url, asked.requests))
        whole(url, asked.samples, asked.only, compare=asked.peers)


if __name__ == "__main__":
    main()
