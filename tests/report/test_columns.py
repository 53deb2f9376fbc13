"""Columns of a terminal, counted as rich counts them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from gatekeeper.report.columns import columns, cut, to_left, to_right, wrapped
from gatekeeper.report.tables import beside, facts, fold, table
from gatekeeper.report.verdict import verdict_text
from verdicts import failing, verdict

WORDS = ("resolved", "возврат", "退款政策", "환불", "🚀", "ångström", "e\u0301tude", "ﬁn", "Ω")
ANY = st.lists(st.sampled_from(WORDS), min_size=1, max_size=30)


@given(ANY)
def test_columns_are_those_of_a_terminal(words: list[str]) -> None:
    text = " ".join(words)
    assert columns(text) == cell_len(text)
    assert cell_len(to_left(text, 300)) == cell_len(to_right(text, 300)) == 300
    assert to_left(text, 300).rstrip() == to_right(text, 300).lstrip() == text


@given(ANY, st.integers(10, 60), st.sampled_from([" ", ""]))
def test_no_line_is_wider_and_no_letter_is_lost(words: list[str], width: int, gap: str) -> None:
    text = gap.join(words)
    lines = wrapped(text, width, first="- ", rest="  ")
    assert max(map(cell_len, lines)) <= width
    assert "".join(lines).replace(" ", "").removeprefix("-") == text.replace(" ", "")


@given(ANY, st.integers(1, 60))
def test_what_is_cut_fits_and_says_so(words: list[str], width: int) -> None:
    text = " ".join(words)
    shown = cut(text, width)
    assert cell_len(shown) <= width
    assert shown == text or (shown.endswith("…") and text.startswith(shown[:-1]))
    assert cut(text, cell_len(text)) == text


@given(ANY)
def test_what_stands_in_two_columns_is_aligned(words: list[str]) -> None:
    text = " ".join(words)
    lines = beside(fold(text, 38), ["x"] * 40, 80)
    assert {cell_len(line.partition("│")[0]) for line in lines} == {39}


def test_tables_and_facts_are_aligned() -> None:
    rows = [("退款政策", "1", "x"), ("возврат", "22", "x"), ("🚀", "3", "x")]
    lines = [Text.from_markup(line).plain for line in table(("name", "n", "y"), rows)]
    assert {cell_len(line) for line in lines} == {cell_len(lines[0])}
    told = [Text.from_markup(line).plain for line in facts([("退款", "a"), ("name", "b")], 80)]
    assert len({cell_len(line) for line in told}) == 1


@pytest.mark.parametrize("width", [80, 160])
def test_a_verdict_on_texts_of_any_script_is_no_wider_than_the_terminal(width: int) -> None:
    one = failing().model_copy(update={"reason": "退款政策 " * 40 + "退" * 200, "owner": "客服"})
    error = one.model_copy(update={"outcome": "error", "estimate": None})
    for found in (one, error):
        shown = Text.from_markup(verdict_text(verdict(found), width)).plain
        assert max(map(cell_len, shown.splitlines())) <= width


def test_a_long_text_is_cut_at_once() -> None:
    start = time.perf_counter()
    assert cut("退" * 1_000_000, 10_001) == "退" * 5_000 + "…"
    assert time.perf_counter() - start < 2
