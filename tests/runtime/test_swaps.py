"""Fifty swaps under load: no request fails, and none is served by parts of two releases."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from load import OTHERS, QUESTION, QUOTED, Check, Load, Tally, body
from stages import Process, process
from swapping import Example, make_example

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SWAPS = 50
REQUESTS = 10_000
WORKERS = 24


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    return make_example(tmp_path_factory.mktemp("swaps"))


@pytest.fixture(scope="module")
def check(example: Example) -> Check:
    """What each release answers offline; in nothing that it shows of itself is it like the other.

    The answer of the model ends with the signature that the prompt asks for, search quotes the
    chunk, and the route has its name in each.
    """
    questions = (QUESTION, *OTHERS)
    asked = [body("alone", question) for question in questions]
    old, new = example.answers([*asked, body("alone", QUESTION, QUOTED)])
    index = next((i for i in range(len(asked)) if telling(old[i], new[i])), None)
    assert index is not None, [answer["answer"] for answer in (*old, *new)]
    assert telling(old[-1], new[-1])
    assert "3 October 2026" in old[-1]["citations"][0]["text"]
    assert "7 November 2026" in new[-1]["citations"][0]["text"]
    expected = {
        (answer["release"], task_class): answer
        for answers in (old, new)
        for answer, task_class in ((answers[index], None), (answers[-1], QUOTED))
    }
    return Check(questions[index], expected, example.release_of)


def telling(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two answers differ in everything that depends on what the releases differ in."""
    fields = ("answer", "route", "contextVersion", "promptVersion", "routeVersion")
    return one["status"] == other["status"] == "ok" and all(
        one[field] != other[field] for field in fields
    )


async def story(example: Example, check: Check, service: Process) -> Tally:
    """Swap again and again while requests come in; each swap is a ledger entry that is served."""
    load = Load(service.port, check)
    running = asyncio.create_task(load.run(WORKERS))
    for number in range(SWAPS):
        due = number * REQUESTS // SWAPS
        await _until(lambda due=due: load.tally.answered >= due)
        serial = await asyncio.to_thread(example.swap)
        await _until(lambda serial=serial: serial in load.tally.serials)
    await _until(lambda: load.tally.answered >= REQUESTS)
    load.stop()
    return await running


async def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def test_no_request_fails_and_none_is_mixed(example: Example, check: Check, tmp_path: Path) -> None:
    with process(example.root, "--records", str(tmp_path)) as service:
        service.until_serial(2)
        tally = asyncio.run(story(example, check, service))
        swaps = service.get("/v1/release").body["swaps"]
        assert service.stop() == 0
    assert tally.wrong == []
    assert tally.answered >= REQUESTS
    assert len(tally.serials) >= SWAPS
    assert swaps == 1 + SWAPS
    assert min(tally.by_release.values()) > REQUESTS / 4
    assert set(tally.by_release) == {example.v1, example.v4}
    rows = _rows(tmp_path)
    assert len(rows) == tally.answered
    assert all(example.release_of(row["serial"]) == row["release"] for row in rows)


def _rows(directory: Path) -> list[dict[str, object]]:
    files = sorted(directory.rglob("requests.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]
