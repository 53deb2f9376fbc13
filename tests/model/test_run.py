from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gatekeeper.model.run import run_id


def test_the_order_of_ids_is_that_of_time():
    start = datetime(2026, 11, 26, 23, 59, 59, 995_000, tzinfo=UTC)
    moments = [start + timedelta(milliseconds=number) for number in range(20)]
    ids = [
        run_id(moment, "ffff" if number % 2 else "0000") for number, moment in enumerate(moments)
    ]
    assert ids == sorted(ids)
    assert ids[0] == "20261126-235959-995000"
