"""Plain scalars: the core schema of YAML 1.2, and what it leaves open refused."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.adapters.scalars import MAX_INTEGER, Refused, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("NULL", None),
        ("true", True),
        ("False", False),
        ("0", 0),
        ("-12", -12),
        ("+7", 7),
        ("0o17", 15),
        ("0xfF", 255),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("-1.5e3", -1500.0),
        ("1e3", 1000.0),
        ("no", "no"),
        ("Off", "Off"),
        ("tRUE", "tRUE"),
        ("2026-11-01", "2026-11-01"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("0o8", "0o8"),
        ("nan", "nan"),
        ("1.2.3", "1.2.3"),
        ("٣", "٣"),
        (str(MAX_INTEGER), MAX_INTEGER),
        (str(-MAX_INTEGER), -MAX_INTEGER),
    ],
)
def test_follows_the_core_schema(text: str, value: object) -> None:
    found = resolve(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (".nan", "not a number that can be compared"),
        (".NaN", "not a number that can be compared"),
        ("-.INF", "not a number that can be compared"),
        ("010", "leading zero"),
        ("-007", "leading zero"),
        (str(MAX_INTEGER + 1), "too large"),
        ("9" * 5000, r"^9{20}… \(5000 digits\) is too large$"),
        ("0x" + "f" * 5000, "too large"),
        ("1e400", "too large"),
    ],
)
def test_refuses_what_readers_take_differently(text: str, message: str) -> None:
    found = resolve(text)
    assert isinstance(found, Refused)
    assert re.search(message, found.message)


@given(st.text(alphabet="0123456789+-.eExXoaflnrtu~_ ", max_size=20))
def test_never_fails_and_never_yields_what_json_cannot_carry(text: str) -> None:
    found = resolve(text)
    if isinstance(found, float):
        assert math.isfinite(found)
    elif isinstance(found, int):
        assert abs(found) <= MAX_INTEGER


@given(st.integers(-MAX_INTEGER, MAX_INTEGER) | st.floats(allow_nan=False, allow_infinity=False))
def test_reads_back_what_python_writes(value: float) -> None:
    assert resolve(repr(value)) == value
