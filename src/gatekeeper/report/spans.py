"""Lines of styled text, wrapped by what is seen and written as rich markup."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.report.columns import columns
from gatekeeper.report.markup import escape, spelled_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Span:
    """A word (it is not broken) with a style of rich, or none."""

    text: str
    style: str = ""

    @property
    def shown(self) -> str:
        """The text with what would move or turn what stands beside it spelled out."""
        return spelled_out(self.text)

    @property
    def markup(self) -> str:
        """As rich markup; what looks like markup in the text is not."""
        text = escape(self.shown)
        return f"[{self.style}]{text}[/{self.style}]" if self.style else text


def wrap(spans: Iterable[Span], width: int, *, first: str = "", rest: str = "") -> Iterator[str]:
    """Lines of at most `width` columns, words kept whole; a span of a line break ends a line.

    Args:
        spans: The words.
        width: In columns; a longer word has a line of its own.
        first: Before the first line.
        rest: Before every other line.
    """
    line, used = first, len(first)
    empty = True
    for span in spans:
        if span.text == "\n":
            yield line.rstrip()
            line, used, empty = rest, len(rest), True
            continue
        if not empty and used + 1 + columns(span.shown) > width:
            yield line.rstrip()
            line, used, empty = rest, len(rest), True
        gap = "" if empty else " "
        line += gap + span.markup
        used += len(gap) + columns(span.shown)
        empty = False
    yield line.rstrip()


def words(text: str, style: str = "") -> list[Span]:
    """The words of a text, all in one style."""
    return [Span(word, style) for word in text.split()]
