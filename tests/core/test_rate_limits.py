"""What rate-limit headers mean."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.rate_limits import Notice, Pace, exhausted, retry_after, seconds

NOW = 1_800_000_000.0
SOON = format_datetime(datetime.fromtimestamp(NOW + 90, UTC), usegmt=True)
PAST = format_datetime(datetime.fromtimestamp(NOW - 90, UTC), usegmt=True)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("120ms", 0.12),
        ("1h2m3.5s", 3723.5),
        ("1d", 86400.0),
        (" 2.5 ", 2.5),
        (str(int(NOW) + 30), 30.0),
        (str(int(NOW) - 30), 0.0),
        ("", None),
        ("soon", None),
        ("1s later", None),
        ("-1", None),
        ("5 m", None),
    ],
)
def test_lengths_of_time(text, length):
    assert seconds(text, NOW) == (length if length is None else pytest.approx(length))


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"Retry-After": "2"}, 2.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After": SOON}, 90.0),
        ({"Retry-After": PAST}, 0.0),
        ({"Retry-After": "2", "Retry-After-Ms": "150"}, 0.15),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Mon, 99 Foo 2026 99:99:99 GMT"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers, pause):
    assert retry_after(headers, NOW) == (pause if pause is None else pytest.approx(pause, abs=1))


def left(kind, remaining, reset, limit=None):
    headers = {f"x-ratelimit-remaining-{kind}": remaining, f"x-ratelimit-reset-{kind}": reset}
    return headers | ({f"x-ratelimit-limit-{kind}": limit} if limit else {})


@pytest.mark.parametrize(
    ("headers", "notice"),
    [
        (left("requests", "3", "1s"), None),
        (left("requests", "0", "1s"), Notice(1.0)),
        (left("requests", "0", "60s", "600"), Notice(0.1, 0.1)),
        (left("requests", "0", "60s", "0"), Notice(60.0)),
        (left("tokens", "0", "6m0s", "30000"), Notice(360.0)),
        (left("requests", "0", "1s") | left("tokens", "0", "9s"), Notice(9.0)),
        (left("requests", "-1", "1s"), Notice(1.0)),
        (left("requests", "none", "1s"), None),
        (left("requests", "0", "tomorrow"), None),
        ({"x-ratelimit-remaining-requests": "0"}, None),
        ({}, None),
    ],
)
def test_a_limit_that_is_used_up(headers, notice):
    assert exhausted(headers, NOW) == notice


def test_the_pace_of_an_endpoint():
    pace = Pace()
    assert pace.delay(5.0) == 0
    pace.heed(Notice(2.0), 5.0)
    pace.heed(Notice(0.5, 0.25), 5.0)
    assert pace.delay(5.0) == 2.0
    assert pace.delay(7.0) == 0
    pace.started(7.0)
    assert pace.delay(7.0) == 0.25
    pace.relax()
    pace.started(7.5)
    assert pace.delay(7.5) == 0


@given(st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9), st.floats(0, 9)), max_size=20))
def test_nothing_starts_before_any_pause_is_over(notices):
    pace, now, ends = Pace(), 0.0, 0.0
    for later, pause, interval in notices:
        now += later
        pace.heed(Notice(pause, interval), now)
        ends = max(ends, now + pause)
        assert pace.delay(now) == pytest.approx(max(0.0, ends - now))
