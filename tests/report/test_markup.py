from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from gatekeeper.report.markup import escape


@given(st.text(alphabet="[]\\/ab1=@# ", max_size=30))
def test_escaped_text_shows_as_it_is(text: str) -> None:
    assert Text.from_markup(f"[bold]{escape(text)}[/bold]").plain == text
