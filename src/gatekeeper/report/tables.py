"""Plain tables and wrapped texts for terminals: strings in, rich markup out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.report.columns import columns, to_left, to_right, wrapped
from gatekeeper.report.markup import escape, escape_line, spelled_out

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


LEAST: Final = 2
"""Columns for the names of rows at least, where there is no room for all of the longest."""


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: frozenset[int] = frozenset(),
    width: int | None = None,
) -> list[str]:
    """Aligned lines under dim heads; columns without any content are left out.

    Args:
        heads: What the columns are called.
        rows: Their cells, as plain text.
        right: Columns that are set to the right.
        width: Columns of the terminal: where lines are longer, what the first column says stands
            alone in a line, above the rest of its row.
    """
    kept = [place for place in range(len(heads)) if any(row[place] for row in rows)]
    if not kept:
        return []
    whole = [[spelled_out(cell) for cell in row] for row in (heads, *rows)]
    widths = {place: max(columns(row[place]) for row in whole) for place in kept}
    longest = widths.pop(kept[0])
    room = name_room(longest, list(widths.values()), width)
    head, *lines = (
        aligned(_name(row, kept[0], room, right), set_out(row, widths, right), room)
        for row in whole
    )
    return [f"[dim]{escape(head[0])}[/dim]", *(escape_line(line) for two in lines for line in two)]


def _name(row: Sequence[str], first: int, room: int, right: frozenset[int]) -> str:
    return to_right(row[first], room) if first in right else row[first]


def name_room(longest: int, others: Sequence[int], width: int | None, *, least: int = LEAST) -> int:
    """Columns for names beside other columns; all of the longest where lines have no end."""
    if width is None:
        return longest
    return min(longest, max(least, width - sum(2 + size for size in others)))


def set_out(row: Sequence[str], widths: Mapping[int, int], right: frozenset[int]) -> list[str]:
    """Some cells of a row, each as wide as its column."""
    return [
        to_right(row[place], size) if place in right else to_left(row[place], size)
        for place, size in widths.items()
    ]


def aligned(name: str, cells: Sequence[str], room: int) -> list[str]:
    """One line, or two where the name alone fills the first."""
    if columns(name) > room:
        return [name, "  ".join([" " * room, *cells]).rstrip()]
    return ["  ".join([to_left(name, room), *cells]).rstrip()]


def facts(pairs: Sequence[tuple[str, str]], width: int, least: int = 0) -> list[str]:
    """Named texts, each wrapped beside its name; those that are empty are left out.

    Args:
        pairs: Names and texts.
        width: Columns, the indentation included.
        least: Columns for the names at least, so that several lists are aligned.
    """
    indent = "  "
    shown = [(name, text) for name, text in pairs if text]
    room = max([least, *(columns(name) for name, _ in shown)]) + 2
    lines = []
    for name, text in shown:
        body = fold(text, max(width - len(indent) - room, 20)) or [""]
        first, *rest = body
        lines.append(f"{indent}[dim]{escape(to_left(name, room))}[/dim]{escape_line(first)}")
        lines += [f"{indent}{' ' * room}{escape_line(line)}".rstrip() for line in rest]
    return lines


def fold(text: str, width: int) -> list[str]:
    """A text in lines of at most `width`: its own line breaks are kept, control characters told."""
    lines: list[str] = []
    for line in spelled_out(text, keep="\n").split("\n"):
        lines += wrapped(line, width) or [""]
    return lines


def beside(left: Sequence[str], right: Sequence[str], width: int, gap: str = " │ ") -> list[str]:
    """Two columns of plain text, each of half the width."""
    half = (width - len(gap)) // 2
    height = max(len(left), len(right))
    padded = [[*lines, *[""] * (height - len(lines))] for lines in (left, right)]
    return [f"{to_left(a, half)}{gap}{b}".rstrip() for a, b in zip(*padded, strict=True)]
