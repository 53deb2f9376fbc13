"""Text in the columns of a terminal, where a letter takes one, two or none."""

from __future__ import annotations

import textwrap
from functools import lru_cache
from typing import Final
from unicodedata import category, east_asian_width

_FILLER: Final = "\ufdd0"
"""Stands behind a letter of two columns while lines are folded; it is no character of any text."""


def columns(text: str) -> int:
    """How many columns `text` takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def to_left(text: str, size: int) -> str:
    """`text` at the left of so many columns."""
    return text + " " * (size - columns(text))


def to_right(text: str, size: int) -> str:
    """`text` at the right of so many columns."""
    return " " * (size - columns(text)) + text


def cut(text: str, width: int) -> str:
    """As much of `text` as fits, with an ellipsis where that is not all of it."""
    if columns(text) <= width:
        return text
    used = 0
    for place, letter in enumerate(text):
        used += _columns(letter)
        if used >= width:
            return f"{text[:place]}…"
    return text


def wrapped(text: str, width: int, *, first: str = "", rest: str = "") -> list[str]:
    """Lines of at most `width` columns, broken at blanks and, where there are none, anywhere.

    Args:
        text: One paragraph.
        width: In columns, of a terminal.
        first: Before the first line.
        rest: Before every other line.
    """
    spread = text if text.isascii() else "".join(map(_spread, text))
    lines = textwrap.wrap(
        spread,
        width - (spread != text),  # a line may end between a letter and its filler
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
    )
    return [line.replace(_FILLER, "") for line in lines]


def _spread(letter: str) -> str:
    return letter + _FILLER if _columns(letter) > 1 else letter


@lru_cache(maxsize=4096)
def _columns(letter: str) -> int:
    if category(letter) in {"Mn", "Me"}:
        return 0
    return 2 if east_asian_width(letter) in {"W", "F"} else 1
