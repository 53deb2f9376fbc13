"""Plain tables: how they fit into a terminal."""

from __future__ import annotations

from gatekeeper.report.tables import table

HEADS = ("rule", "decided", "open")
ROWS = [("quality.short", "12", "3"), ("quality.a_name_for_which_there_is_no_room", "1,200", "")]


def test_where_there_is_room_a_row_is_a_line() -> None:
    assert table(HEADS, ROWS, right=frozenset({1, 2}), width=80) == [
        "[dim]rule                                       decided  open[/dim]",
        "quality.short                                   12     3",
        "quality.a_name_for_which_there_is_no_room    1,200",
    ]


def test_a_name_without_room_stands_alone_above_its_row() -> None:
    assert table(HEADS, ROWS, right=frozenset({1, 2}), width=30) == [
        "[dim]rule             decided  open[/dim]",
        "quality.short         12     3",
        "quality.a_name_for_which_there_is_no_room",
        "                   1,200",
    ]


def test_columns_without_content_are_left_out_and_nothing_makes_no_table() -> None:
    assert table(HEADS, [("quality.short", "", "3")]) == [
        "[dim]rule           open[/dim]",
        "quality.short  3",
    ]
    assert table(HEADS, [("", "", "")]) == []
