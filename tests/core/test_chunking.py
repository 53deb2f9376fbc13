"""Chunks: none too long, nothing lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.chunking import chunk
from gatekeeper.model.components import Chunking

TEXT = "# Zentor\n\nIt is red. It is light.\n\n## Warranty\n### Terms\n\n24 months.\n"


def bytes_of(text: str) -> int:
    return len(text.encode())


def test_a_paragraph_is_a_chunk_and_headings_open_it():
    assert chunk(TEXT, Chunking(), bytes_of) == [
        "# Zentor\nIt is red. It is light.",
        "## Warranty\n### Terms\n24 months.",
    ]


def test_a_line_is_a_chunk_and_headings_are_left_out():
    assert chunk(TEXT, Chunking(by="line"), bytes_of) == ["It is red. It is light.", "24 months."]


def test_a_hash_inside_a_line_is_no_heading():
    assert chunk("#1 in sales\n", Chunking(by="line"), bytes_of) == ["#1 in sales"]
    assert chunk("#\n", Chunking(by="line"), bytes_of) == []


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (40, ["It is red. It is light. It floats."]),
        (25, ["It is red. It is light.", "It floats."]),
        (8, ["It is", "red.", "It is", "light.", "It", "floats."]),
        (3, ["It", "is", "red", ".", "It", "is", "lig", "ht.", "It", "flo", "ats", "."]),
    ],
)
def test_what_is_too_long_is_split_at_sentences_then_words_then_anywhere(limit, expected):
    found = chunk("It is red. It is light. It floats.", Chunking(max_tokens=limit), bytes_of)
    assert all(bytes_of(part) <= limit for part in found)
    if limit > 3:
        assert found == expected


def test_a_single_letter_is_never_split():
    assert chunk("\U0001f600 a", Chunking(max_tokens=1), bytes_of) == ["\U0001f600", "a"]


@given(
    st.text(alphabet=st.sampled_from("ab\u00e9\U0001f600 .!#\n"), max_size=120),
    st.integers(4, 40),
    st.sampled_from(["line", "paragraph"]),
)
def test_no_chunk_is_too_long_and_no_letter_is_lost(text, limit, by):
    found = chunk(text, Chunking(by=by, max_tokens=limit), bytes_of)
    assert all(0 < bytes_of(part) <= limit for part in found)
    if "#" not in text:
        assert "".join("".join(found).split()) == "".join(text.split())
