"""Bounded load on a service of this machine, and what every answer has to agree with."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

QUESTION = "What is the release date on the Northwind Manual?"
"""The manuals of v1 and v4 say different things of it."""
QUOTED = "deterministic"
"""The task class that search answers, without a model."""
VARYING = {"requestId", "serial", "latencyUs", "qualitySignals"}
"""What differs between two answers of one release to one question."""


def body(name: str, task_class: str | None = None) -> dict[str, Any]:
    """The question as an envelope."""
    request = {"requestId": name, "tenantId": "public", "userId": "load", "input": QUESTION}
    return request if task_class is None else {**request, "taskClass": task_class}


@dataclass
class Tally:
    """What the load saw."""

    answered: int = 0
    by_release: dict[str, int] = field(default_factory=dict)
    serials: set[int] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Check:
    """Judges responses.

    Attributes:
        expected: What a release answers, alone and offline, by its digest and the task class.
        release_of: The release that a ledger entry makes stable.
    """

    expected: Mapping[tuple[str, str | None], Mapping[str, Any]]
    release_of: Callable[[int], str]

    def faults(
        self, envelope: Mapping[str, Any], headers: Any, task_class: str | None
    ) -> list[str]:
        """Everything in a response that does not belong to the release that it names."""
        release, serial = envelope["release"], envelope["serial"]
        found = {
            "release in the header": (headers["x-gatekeeper-release"], release),
            "serial in the header": (headers["x-gatekeeper-serial"], str(serial)),
            "release of the entry": (self.release_of(serial), release),
        }
        for name, must in self.expected[release, task_class].items():
            if name not in VARYING:
                found[name] = (envelope[name], must)
        return [
            f"{name}: {was!r}, not {must!r}" for name, (was, must) in found.items() if was != must
        ]


class Load:
    """Workers that ask one after the other until told to stop."""

    def __init__(self, port: int, check: Check) -> None:
        self.tally = Tally()
        self._url = f"http://127.0.0.1:{port}"
        self._check = check
        self._stopping = False
        self._number = 0

    async def run(self, workers: int) -> Tally:
        """Ask until `stop`: an envelope, a chat, an envelope that search can answer, and so on."""
        connector = aiohttp.TCPConnector(limit=workers)
        async with aiohttp.ClientSession(connector=connector) as session:
            await asyncio.gather(*(self._work(session) for _ in range(workers)))
        return self.tally

    def stop(self) -> None:
        """Let every worker end with the answer it waits for."""
        self._stopping = True

    async def _work(self, session: aiohttp.ClientSession) -> None:
        newest = 0
        while not self._stopping:
            self._number += 1
            name = f"load-{self._number}"
            task_class = QUOTED if self._number % 3 == 0 else None
            try:
                if self._number % 3 == 1:
                    envelope, headers = await self._chat(session, name)
                else:
                    request = body(name, task_class)
                    envelope, headers = await self._envelope(session, request)
            except (aiohttp.ClientError, TimeoutError, KeyError) as error:
                self.tally.wrong.append(f"{type(error).__name__}: {error}")
                continue
            serial = envelope["serial"]
            faults = self._check.faults(envelope, headers, task_class)
            if serial < newest:
                faults.append(f"entry {serial} after entry {newest}")
            newest = serial
            self._count(envelope["release"], serial, faults)

    def _count(self, release: str, serial: int, faults: list[str]) -> None:
        self.tally.answered += 1
        self.tally.by_release[release] = self.tally.by_release.get(release, 0) + 1
        self.tally.serials.add(serial)
        self.tally.wrong += faults

    async def _envelope(self, session: aiohttp.ClientSession, request: Any) -> Any:
        async with session.post(f"{self._url}/v1/requests", json=request) as response:
            found = await response.json()
            if response.status != 200:
                raise KeyError(f"{response.status}: {found}")
            return found, response.headers

    async def _chat(self, session: aiohttp.ClientSession, name: str) -> Any:
        request = {"messages": [{"role": "user", "content": QUESTION}], "user": "load"}
        headers = {"x-request-id": name}
        url = f"{self._url}/v1/chat/completions"
        async with session.post(url, json=request, headers=headers) as response:
            found = await response.json()
            if response.status != 200:
                raise KeyError(f"{response.status}: {found}")
            answer = found["choices"][0]["message"]["content"]
            return {**found["gatekeeper"], "answer": answer}, response.headers
