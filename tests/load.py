"""Bounded load on a service of this machine, and what every answer has to agree with."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

QUESTION = "What is the release date on the Northwind Manual?"
VERSIONS = {
    "contextVersion": "retrieval",
    "promptVersion": "prompt",
    "policyVersion": "policy",
    "routeVersion": "router",
    "modelVersion": "model",
}


@dataclass(frozen=True)
class Marks:
    """What tells one release from the other, in everything that a response shows.

    Attributes:
        signature: How its prompt has the model sign.
        fact: What its snapshot says of the question.
        route: The tier that its router sends the question to.
        search_route: The tier that answers it without a model, by quoting.
        components: Digest of each component.
    """

    signature: str
    fact: str
    route: str
    search_route: str
    components: Mapping[str, str]


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
        marks: By release digest.
        release_of: The release that a ledger entry makes stable.
    """

    marks: Mapping[str, Marks]
    release_of: Callable[[int], str]

    def faults(
        self, envelope: Mapping[str, Any], answer: str, headers: Any, *, quoted: bool
    ) -> list[str]:
        """Everything in a response that does not belong to the release that it names.

        `quoted` says that no model was asked, so that nobody signs.
        """
        release, serial = envelope["release"], envelope["serial"]
        marks = self.marks[release]
        found = {
            "status": (envelope["status"], "ok"),
            "release in the header": (headers["x-gatekeeper-release"], release),
            "serial in the header": (headers["x-gatekeeper-serial"], str(serial)),
            "release of the entry": (self.release_of(serial), release),
            "route": (envelope["route"], marks.search_route if quoted else marks.route),
            **{
                name: (envelope[name], marks.components[component])
                for name, component in VERSIONS.items()
            },
        }
        faults = [
            f"{what}: {was!r}, not {must!r}" for what, (was, must) in found.items() if was != must
        ]
        if not quoted and not answer.endswith(marks.signature):
            faults.append(f"{answer!r} is not signed {marks.signature!r}")
        if marks.fact not in answer:
            faults.append(f"{answer!r} does not say {marks.fact!r}")
        if not any(marks.fact in citation["text"] for citation in envelope["citations"]):
            faults.append(f"cites {envelope['citations']!r}")
        return faults


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
            name, turn = f"load-{self._number}", self._number % 3
            try:
                if turn == 1:
                    envelope, answer, headers = await self._chat(session, name)
                else:
                    envelope, answer, headers = await self._envelope(session, name, turn)
            except (aiohttp.ClientError, TimeoutError, KeyError) as error:
                self.tally.wrong.append(f"{type(error).__name__}: {error}")
                continue
            serial = envelope["serial"]
            faults = self._check.faults(envelope, answer, headers, quoted=turn == 2)
            if serial < newest:
                faults.append(f"entry {serial} after entry {newest}")
            newest = serial
            self._count(envelope["release"], serial, faults)

    def _count(self, release: str, serial: int, faults: list[str]) -> None:
        self.tally.answered += 1
        self.tally.by_release[release] = self.tally.by_release.get(release, 0) + 1
        self.tally.serials.add(serial)
        self.tally.wrong += faults

    async def _envelope(self, session: aiohttp.ClientSession, name: str, turn: int) -> Any:
        body = {"requestId": name, "tenantId": "public", "userId": "load", "input": QUESTION}
        if turn == 2:
            body["taskClass"] = "deterministic"
        async with session.post(f"{self._url}/v1/requests", json=body) as response:
            found = await response.json()
            if response.status != 200:
                raise KeyError(f"{response.status}: {found}")
            return found, found["answer"], response.headers

    async def _chat(self, session: aiohttp.ClientSession, name: str) -> Any:
        body = {"messages": [{"role": "user", "content": QUESTION}], "user": "load"}
        headers = {"x-request-id": name}
        url = f"{self._url}/v1/chat/completions"
        async with session.post(url, json=body, headers=headers) as response:
            found = await response.json()
            if response.status != 200:
                raise KeyError(f"{response.status}: {found}")
            answer = found["choices"][0]["message"]["content"]
            return found["gatekeeper"], answer, response.headers
