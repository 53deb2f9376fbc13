from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.trees import ABSENT, Difference, Renamed, compare

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [Difference(("a",), 1, 2)]),
        ({"a": 1}, {"b": 1}, [Difference(("b",), ABSENT, 1), Difference(("a",), 1, ABSENT)]),
        ({"a": {"b": [1]}}, {"a": {"b": [1, 2]}}, [Difference(("a", "b"), [1], [1, 2])]),
        ({"a": True}, {"a": 1}, [Difference(("a",), old=True, new=1)]),
        ({"a": []}, {"a": [{"x": 1}]}, [Difference(("a", 0), ABSENT, {"x": 1})]),
        (
            {"a": [{"x": 1}, {"x": 2}]},
            {"a": [{"x": 2}, {"x": 3}]},
            [Difference(("a", 0), {"x": 1}, ABSENT), Difference(("a", 1), ABSENT, {"x": 3})],
        ),
        ({"a": [{"x": 1, "y": 1}]}, {"a": [{"x": 2, "y": 1}]}, [Difference(("a", 0, "x"), 1, 2)]),
    ],
)
def test_differences(old: Any, new: Any, expected: list[Difference]) -> None:
    assert list(compare(old, new)) == expected


def test_a_renamed_mapping_is_followed() -> None:
    old = {"t": {"mid": {"model": "m", "retry": 1, "timeout": 10}, "s": {"kind": "search"}}}
    new = {"t": {"rag": {"model": "m", "retry": 1, "timeout": 20, "n": 1}, "s": {"kind": "search"}}}
    assert list(compare(old, new)) == [
        Difference(("t", "rag"), ABSENT, new["t"]["rag"]),
        Difference(("t", "mid"), old["t"]["mid"], ABSENT),
    ]
    del new["t"]["rag"]["n"]
    new["t"]["rag"]["timeout"] = 10
    new["t"]["rag"]["retry"] = 1
    assert list(compare(old, new)) == [Renamed(("t", "rag"), "mid")]


def test_the_most_alike_pair_is_the_renamed_one() -> None:
    old = {"a": {"x": 1, "y": 1, "z": 1}, "b": {"x": 1, "y": 1, "z": 2}}
    new = {"c": {"x": 1, "y": 1, "z": 2}}
    assert list(compare(old, new)) == [
        Renamed(("c",), "b"),
        Difference(("a",), old["a"], ABSENT),
    ]


def test_an_inserted_item_is_told_from_the_one_that_changed() -> None:
    old = [{"match": {}, "to": "standard"}]
    new = [{"match": {"tenant": "acme"}, "to": "quick"}, {"match": {}, "to": "quick"}]
    assert list(compare({"r": old}, {"r": new})) == [
        Difference(("r", 0), ABSENT, new[0]),
        Difference(("r", 1, "to"), "standard", "quick"),
    ]
    assert list(compare({"r": new}, {"r": old})) == [
        Difference(("r", 0), new[0], ABSENT),
        Difference(("r", 0, "to"), "quick", "standard"),
    ]


def test_nobody_aligns_very_long_lists() -> None:
    old = [{"x": index} for index in range(60)]
    new = [{"y": index} for index in range(60)]
    assert len(list(compare(old, new))) == 120


def test_nobody_looks_for_renames_among_very_many() -> None:
    old = {f"a{index}": {"x": 1} for index in range(101)}
    new = {f"b{index}": {"x": 1} for index in range(101)}
    assert not any(isinstance(found, Renamed) for found in compare(old, new))


@given(JSON, JSON)
def test_equal_means_no_difference_and_the_other_way_round(old: Any, new: Any) -> None:
    assert list(compare(old, old)) == []
    if not list(compare(old, new)):
        assert old == new


@pytest.mark.parametrize(
    ("old", "new", "relative"),
    [(10, 20, 1.0), (4, 3.0, -0.25), (-2, -1, 0.5), (0, 1, None), (True, 2, None), (1, "2", None)],
)
def test_relative_change(old: Any, new: Any, relative: float | None) -> None:
    assert Difference((), old, new).relative == relative


def test_the_absent_value_says_so() -> None:
    assert repr(ABSENT) == "ABSENT"
