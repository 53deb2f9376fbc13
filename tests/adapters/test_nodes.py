"""YAML text into a located tree: bounded, and every fault of form named."""

from __future__ import annotations

import contextlib
import json
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.adapters.nodes import MAX_DEPTH, MAX_NODES, compose
from gatekeeper.adapters.tree import Mapping, Sequence
from gatekeeper.errors import InputError

# A text that starts with a byte order mark is refused.
CHARACTERS = st.characters(exclude_categories=["Cc", "Cs", "Cn"], exclude_characters="\ufeff")
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(CHARACTERS, max_size=20),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.text(CHARACTERS, min_size=1, max_size=9),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


def problems(text: str) -> list[str]:
    try:
        return [str(problem).replace("\n  ", " ") for problem in compose(text, "f")[1]]
    except InputError as error:
        return [str(problem).replace("\n  ", " ") for problem in error.problems]


@given(VALUES)
def test_json_is_yaml(value: object) -> None:
    for text in (json.dumps(value), json.dumps(value, indent=1, ensure_ascii=False)):
        root, found = compose(text, "f")
        assert (root.plain(), found) == (value, [])


def test_keeps_the_order_of_keys_and_where_they_stand() -> None:
    root, _ = compose("b: 1\na:\n  - x\n  - {c: [2]}\n", "f")
    assert list(root.plain()) == ["b", "a"]
    assert isinstance(root, Mapping)
    key = root.key("a")
    assert key is not None
    assert key.offset == 5
    items = root.child("a")
    assert isinstance(items, Sequence)
    assert items.child(1).offset == 18  # type: ignore[union-attr]
    assert items.child(2) is items.child("c") is None
    assert root.child("absent") is root.key("absent") is None
    assert items.items[0].child("x") is None


def test_the_first_of_repeated_keys_counts_and_all_are_named() -> None:
    root, found = compose("a: 1\nb: {x: 1, x: 2}\na: 2\na: 3\n", "f")
    assert root.plain() == {"a": 1, "b": {"x": 1}}
    assert [str(problem).partition("\n")[0] for problem in found] == [
        "f:2:11: b.x: key 'x' again; it is first in the same line",
        "f:3:1: a: key 'a' again; it is first on line 1",
        "f:4:1: a: key 'a' again; it is first on line 1",
    ]


def test_aliases_within_the_bounds_are_read() -> None:
    root, found = compose("a: &x [1, {b: &y no}]\nc: *x\nd: *y\n", "f")
    assert root.plain() == {"a": [1, {"b": "no"}], "c": [1, {"b": "no"}], "d": "no"}
    assert found == []
    assert root.size == 10


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f:1:1: is empty"),
        ("a\n---\nb\n", "f:2:1: a second document"),
        ("%TAG ! tag:x,2026:\n---\na\n", "f:1:1: a YAML directive"),
        ("a: !!int 3", "f:1:4: a: a YAML tag, 'tag:yaml.org,2002:int'"),
        ("a: ! 3", "f:1:4: a: a YAML tag, '!'"),
        ("a: !<x> [1]", "f:1:4: a: a YAML tag, 'x'"),
        ("!k a: 1", "f:1:1: a YAML tag, '!k'"),
        ("? {a: b}\n: 1", "f:1:3: a key that is not text"),
        ("&a a: 1\n*a : 2", "f:2:1: a key that is not text"),
        (": 1", "f:1:1: a key that is not text"),
        ("<<: {a: 1}", "f:1:1: a merge key"),
        ("- *x", "f:1:3: [0]: alias *x refers to no anchor above it"),
        ("&a [*a]", "f:1:5: [0]: alias *a refers to itself"),
        ('"\\U00110000": 1', "f:1:1: an escape that is no character"),
        ('a: "\\ud800"', "f:1:4: a: half of a surrogate pair"),
        ('a: "\\x00"', "f:1:4: a: control character U+0000"),
        ('"\\x00": 1', "f:1:1: control character U+0000"),
        ("a:\n\t- 1", "f:2:1: a: a tab as indentation"),
        ("a: b: c", "f:1:5: a second `: ` in one line"),
        ("a:\n  b:c\n  d: 1", "f:2:4: no space after the colon"),
        ("a:\n  http://b\n  d: 1", "f:3:4: a second `: ` in one line"),
        ("a: `b`", "f:1:4: a: a character that YAML reserves"),
        (" a: 1\nb: 2", "f:2:1: out of line with what is above it"),
        ("a: 1\nb", "f:2:2: neither `key: value` nor a list item"),
        ("a: [1", "f:1:6: a: a bracket that is not closed"),
        ("a: 'b", "f:1:6: a: a quotation that does not end"),
        ("a: |0\n b", "f:1:5: a: YAML syntax: expected indentation indicator"),
        ("%YAML 2.0\n---\na", "f:1:1: YAML syntax: found incompatible YAML document"),
    ],
)
def test_names_what_is_wrong_with_the_form(text: str, message: str) -> None:
    assert any(found.startswith(message) for found in problems(text)), problems(text)


def test_an_explicit_yaml_1_2_is_accepted_and_json_escapes_too() -> None:
    root, found = compose('%YAML 1.2\n---\na: "\\ud83d\\ude00\\/"\n...\n', "f")
    assert (root.plain(), found) == ({"a": "😀/"}, [])


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 20_000,
        "- " * 50_000,
        "a: [" + "x," * 200_000 + "]",
        "x: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{n}: &{n} [*{p}{', *' + p * 1}]\n"
            for p, n in zip("abcdefgh", "bcdefghi", strict=True)
        )
        * 3_000,
        "".join(f"a{n}: &a{n} [*a{n - 1}]\n" if n else "a0: &a0 [1]\n" for n in range(5_000)),
    ],
    ids=["lists", "mappings", "items", "many", "aliases", "chain"],
)
def test_what_grows_without_bound_is_refused_in_time(text: str) -> None:
    started = time.process_time()
    found = problems(text)
    assert time.process_time() - started < (2 if sys.gettrace() is None else 20)
    assert f"{MAX_NODES:,}" in found[-1] or f"{MAX_DEPTH} levels" in found[-1]


def test_the_bounds_are_inclusive() -> None:
    assert problems("[" * MAX_DEPTH + "]" * MAX_DEPTH) == []
    assert problems("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)) != []
    assert problems("[" + "1," * (MAX_NODES - 1) + "]") == []
    assert problems("[" + "1," * MAX_NODES + "]") != []


@given(st.text(alphabet="ab:- \n\t[]{},\"'#&*!|>%@`?~<=.0123\\ux\ufeff", max_size=60))
def test_any_text_is_a_tree_or_an_input_error(text: str) -> None:
    with contextlib.suppress(InputError):
        json.dumps(compose(text, "f")[0].plain(), allow_nan=False)
