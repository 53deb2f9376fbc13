"""Records are written behind the requests' back, and never at their cost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from desks import Shelf
from gatekeeper.model.record import CallRow
from gatekeeper.runtime.recording import RecordWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from gatekeeper.model.record import Row


def rows(count: int) -> list[Row]:
    return [
        CallRow(request_id=f"r{i}", attempt=1, model="m", latency_us=1, outcome="ok")
        for i in range(count)
    ]


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_rows_arrive_in_order() -> None:
    shelf = Shelf()
    writer = RecordWriter(shelf)
    sent = rows(2_500)
    for row in sent:
        writer.put([row])
    assert writer.close(20)
    assert shelf.rows == sent
    assert writer.state.written == 2_500


def test_a_full_disk_is_told_once_and_nothing_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    shelf = Shelf()
    shelf.full = True
    writer = RecordWriter(shelf)
    writer.put(rows(3))
    until(lambda: bool(writer.state.problem))
    state = writer.state
    assert (state.waiting, state.dropped) == (3, 0)
    assert "No space left" in state.problem
    shelf.full = False
    until(lambda: writer.state.written == 3)
    assert writer.state.problem == ""
    assert writer.close(20)
    assert len(shelf.rows) == 3
    assert caplog.text.count("cannot be written") == 1
    assert "being written again" in caplog.text


def test_what_does_not_fit_is_dropped_and_counted() -> None:
    shelf = Shelf()
    shelf.full = True
    writer = RecordWriter(shelf, capacity=5)
    writer.put(rows(4))
    began = time.monotonic()
    writer.put(rows(2))
    assert time.monotonic() - began < 0.1
    assert (writer.state.waiting, writer.state.dropped) == (4, 2)
    shelf.full = False
    assert writer.close(20)
    assert len(shelf.rows) == 4


def test_closing_does_not_wait_for_a_full_disk(caplog: pytest.LogCaptureFixture) -> None:
    shelf = Shelf()
    shelf.full = True
    writer = RecordWriter(shelf)
    writer.put(rows(3))
    began = time.monotonic()
    assert not writer.close(0.3)
    assert time.monotonic() - began < 5
    assert "3 record rows were not written" in caplog.text
