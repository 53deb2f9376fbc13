"""Fifty swaps under load: no request fails, and none is served by parts of two releases."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

import pytest

from load import Check, Load, Marks, Tally
from stages import Process, process
from swapping import Example, make_example

if TYPE_CHECKING:
    from pathlib import Path

SWAPS = 50
REQUESTS = 10_000
WORKERS = 24


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    return make_example(tmp_path_factory.mktemp("swaps"))


def marks(example: Example) -> dict[str, Marks]:
    """What v1 and v4 of the example show of themselves."""
    return {
        example.v1: Marks(
            signature=" - Ada",
            fact="3 October 2026",
            route="mid_tier_rag_model",
            search_route="rules_or_search",
            components=example.components(example.v1),
        ),
        example.v4: Marks(
            signature=" - Eve",
            fact="7 November 2026",
            route="november_rag",
            search_route="november_search",
            components=example.components(example.v4),
        ),
    }


async def story(example: Example, service: Process) -> Tally:
    """Swap fifty times while requests come in; each swap is a ledger entry that gets served."""
    load = Load(service.port, Check(marks(example), example.release_of))
    running = asyncio.create_task(load.run(WORKERS))
    for _ in range(SWAPS):
        serial = await asyncio.to_thread(example.swap)
        await _until(lambda serial=serial: serial in load.tally.serials)
    await _until(lambda: load.tally.answered >= REQUESTS)
    load.stop()
    return await running


async def _until(holds: object) -> None:
    deadline = time.monotonic() + 60
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def test_no_request_fails_and_none_is_mixed(example: Example, tmp_path: Path) -> None:
    with process(example.root, "--records", str(tmp_path)) as service:
        service.until_serial(2)
        tally = asyncio.run(story(example, service))
        swaps = service.get("/v1/release").body["swaps"]
        assert service.stop() == 0
    assert tally.wrong == []
    assert tally.answered >= REQUESTS
    assert len(tally.serials) >= SWAPS
    assert swaps == 1 + SWAPS
    assert min(tally.by_release.values()) > REQUESTS / 10
    assert set(tally.by_release) == {example.v1, example.v4}
    rows = _rows(tmp_path)
    assert len(rows) == tally.answered
    assert all(example.release_of(row["serial"]) == row["release"] for row in rows)


def _rows(directory: Path) -> list[dict[str, object]]:
    files = sorted(directory.rglob("requests.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]
