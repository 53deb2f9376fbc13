from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from gatekeeper.report.markup import escape, escape_line, one_line, spelled_out


@given(st.text(alphabet="[]\\/ab1=@# ", max_size=30))
def test_escaped_text_shows_as_it_is(text: str) -> None:
    assert Text.from_markup(f"[bold]{escape(text)}[/bold]").plain == text


@given(st.lists(st.text(alphabet="[]\\/ab1=@# ", max_size=30), max_size=3))
def test_lines_show_as_they_are_whatever_they_end_with(lines: list[str]) -> None:
    markup = "\n".join(f"[dim]x[/dim]{escape_line(line)}" for line in lines)
    assert Text.from_markup(markup).plain == "\n".join(f"x{line}" for line in lines)


@given(st.text())
def test_nothing_that_moves_a_cursor_comes_through(text: str) -> None:
    assert spelled_out(text).isprintable()
    assert all(one.isprintable() or one == "\n" for one in spelled_out(text, keep="\n"))
    assert Text.from_markup(one_line(text), emoji=False).plain.isprintable()
