"""A search by halves: it ends at the place, asks few, and says what it is not sure of."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.bisecting import Search, beyond, certain, half_of, line_of
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.model.attribution import Moved
from gatekeeper.model.run import RunRelease


def release(letter: str) -> RunRelease:
    return RunRelease(name=f"desk-{letter}", digest="sha256:" + letter * 64)


A, B, C, D = (release(letter) for letter in "abcd")


@given(st.integers(2, 300), st.data())
def test_it_ends_at_the_first_that_moved(length: int, data: st.DataObject) -> None:
    place = data.draw(st.integers(1, length - 1))
    search, asked = Search(0, length - 1), 0
    while (middle := search.middle) is not None:
        search, asked = search.told(middle, moved=middle >= place), asked + 1
    assert (search.before, search.after) == (place - 1, place)
    assert asked <= math.ceil(math.log2(length))


@pytest.mark.parametrize(
    ("good", "bad", "expected"),
    [
        (None, None, (A, B, C)),
        (B, None, (B, C)),
        (None, B, (A, B)),
        (None, D, (A, B, C, D)),
        (D, None, (D, A, B, C)),
        (C, A, ()),
        (B, B, (B,)),
    ],
)
def test_a_line_holds_each_release_once(
    good: RunRelease | None, bad: RunRelease | None, expected: tuple[RunRelease, ...]
) -> None:
    assert line_of([A, B, A, C, A], good, bad) == expected


@pytest.mark.parametrize(
    ("change", "whole", "expected"),
    [
        (Moved(value=0.3, low=0.25, high=0.35), 0.4, (True, True)),
        (Moved(value=0.1, low=0.05, high=0.15), 0.4, (False, True)),
        (Moved(value=0.25, low=0.1, high=0.4), 0.4, (True, False)),
        (Moved(value=-0.3, low=-0.35, high=-0.25), -0.4, (True, True)),
        (Moved(value=0.3, low=0.25, high=0.35), -0.4, (False, True)),
        (Moved(value=0.3), 0.4, (True, False)),
    ],
)
def test_half_of_the_way_is_moved(change: Moved, whole: float, expected: tuple[bool, bool]) -> None:
    assert beyond(change, whole) == expected


def test_only_what_excludes_zero_has_moved() -> None:
    assert certain(Moved(value=-1, low=-2, high=-0.5))
    assert not certain(Moved(value=1, low=-0.1, high=2))
    assert not certain(Moved(value=1))


def test_half_of_a_fall_is_a_fall() -> None:
    metric = METRICS["resolved_rate"]
    assert (half_of(metric, -0.2).test, half_of(metric, -0.2).limit) == ("max_decrease", 0.1)
    assert (half_of(metric, 0.2).test, half_of(metric, 0.2).limit) == ("max_increase", 0.1)
