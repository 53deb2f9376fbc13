"""Documents to chunks: one a paragraph or one a line, none above a number of tokens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatekeeper.model.components import Chunking

SENTENCE_END = re.compile(r"(?<=[.!?;])\s+")
PARAGRAPH_END = re.compile(r"\n\s*\n")


def chunk(text: str, chunking: Chunking, count: Callable[[str], int]) -> list[str]:
    """The chunks of one document, in order.

    A heading (`# …`) says what follows it: it opens the paragraph after it, and where lines are
    chunks it is left out, since alone it states nothing. What is too long is split at sentences,
    then at words, then between characters.

    Args:
        text: The document.
        chunking: What a chunk is.
        count: Tokens of a text, as the model that reads the chunks counts them.
    """
    pieces = _lines(text) if chunking.by == "line" else _paragraphs(text)
    return [part for piece in pieces for part in _split(piece, chunking.max_tokens, count)]


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        stripped = line.strip()
        if stripped and not _is_heading(stripped):
            yield stripped


def _paragraphs(text: str) -> Iterator[str]:
    headings: list[str] = []
    for block in PARAGRAPH_END.split(text):
        stripped = block.strip()
        if not stripped:
            continue
        headings.append(stripped)
        if not all(_is_heading(line) for line in stripped.splitlines()):
            yield "\n".join(headings)
            headings = []


def _is_heading(line: str) -> bool:
    marks = len(line) - len(line.lstrip("#"))
    return marks > 0 and line[marks : marks + 1] in ("", " ")


def _split(text: str, limit: int, count: Callable[[str], int]) -> Iterator[str]:
    """`text` in pieces of at most `limit` tokens. Bytes bound tokens, so most need no counting."""
    if len(text.encode()) <= limit or count(text) <= limit:
        yield text
        return
    parts, glue = _parts(text)
    if len(parts) == 1:
        yield text
        return
    held = ""
    for part in parts:
        joined = f"{held}{glue}{part}" if held else part
        if held and count(joined) > limit:
            yield from _split(held, limit, count)
            joined = part
        held = joined
    yield from _split(held, limit, count)


def _parts(text: str) -> tuple[list[str], str]:
    """The finest cut that is still needed: sentences, words, or halves."""
    sentences = SENTENCE_END.split(text)
    if len(sentences) > 1:
        return sentences, " "
    words = text.split()
    if len(words) > 1:
        return words, " "
    middle = len(text) // 2
    return [part for part in (text[:middle], text[middle:]) if part], ""
