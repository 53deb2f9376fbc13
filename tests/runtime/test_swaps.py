"""Fifty swaps under load: no request fails, and none is served by parts of two releases."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from load import QUOTED, Check, Load, Tally, body
from stages import Process, process
from swapping import Example, make_example
from told import model_server
from written import written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WORKERS = 24
DISTINCT = ("route", "contextVersion", "promptVersion", "routeVersion")


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    return make_example(tmp_path_factory.mktemp("swaps"))


@pytest.fixture(scope="module")
def endpoint() -> Iterator[None]:
    """A model that says what it was told, for the engine `openai`."""
    with model_server() as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATEKEEPER_OPENAI_BASE_URL", url)
        yield


@dataclass(frozen=True)
class Answers:
    """What each release answers offline: by its model, and by quoting a chunk."""

    old: list[dict[str, Any]]
    new: list[dict[str, Any]]

    def check(self, example: Example) -> Check:
        """The answers as what every response has to agree with."""
        expected = {
            (answer["release"], task_class): answer
            for answers in (self.old, self.new)
            for answer, task_class in zip(answers, (None, QUOTED), strict=True)
        }
        return Check(expected, example.release_of)


def answers(example: Example, engine: str) -> Answers:
    """Answers in which the releases differ wherever a response shows which one it is from."""
    old, new = example.answers([body("alone"), body("alone", QUOTED)], engine)
    assert all(
        one[field] != two[field] for one, two in zip(old, new, strict=True) for field in DISTINCT
    )
    assert "3 October 2026" in old[1]["citations"][0]["text"]
    assert "7 November 2026" in new[1]["citations"][0]["text"]
    return Answers(old, new)


async def story(example: Example, check: Check, service: Process, plan: tuple[int, int]) -> Tally:
    """Swap again and again while requests come in; each swap is a ledger entry that is served."""
    requests, swaps = plan
    load = Load(service.port, check)
    running = asyncio.create_task(load.run(WORKERS))
    for number in range(swaps):
        due = number * requests // swaps
        await _until(lambda due=due: load.tally.answered >= due)
        serial = await asyncio.to_thread(example.swap)
        await _until(lambda serial=serial: serial in load.tally.serials)
    await _until(lambda: load.tally.answered >= requests)
    load.stop()
    return await running


async def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def swapped(
    example: Example, check: Check, engine: str, plan: tuple[int, int], records: Path
) -> None:
    """Play the story against a service, and look at what it answered and recorded."""
    requests, swaps = plan
    with process(example.root, "--records", str(records), "--engine", engine) as service:
        service.until_serial(max(example.entries))
        tally = asyncio.run(story(example, check, service, plan))
        counted = service.get("/v1/release").body["swaps"]
        assert service.stop() == 0
    assert tally.wrong == []
    assert tally.answered >= requests
    assert counted == 1 + swaps
    assert len(tally.serials) >= swaps
    assert min(tally.by_release.values()) > requests / 4
    rows = written(records)
    assert len(rows) == tally.answered
    assert all(example.release_of(row["serial"]) == row["release"] for row in rows)


@pytest.mark.usefixtures("endpoint")
def test_no_request_fails_and_none_is_mixed(example: Example, tmp_path: Path) -> None:
    found = answers(example, "openai")
    assert [found.old[0]["answer"][-5:], found.new[0]["answer"][-5:]] == ["- Ada", "- Eve"]
    assert found.old[0]["answer"].startswith("3 October 2026 [")
    assert found.new[0]["answer"].startswith("7 November 2026 [")
    swapped(example, found.check(example), "openai", (10_000, 50), tmp_path)


def test_a_model_in_this_process_goes_on_through_swaps(example: Example, tmp_path: Path) -> None:
    check = answers(example, "embedded").check(example)
    swapped(example, check, "embedded", (1_000, 10), tmp_path)
