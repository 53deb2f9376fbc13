"""The difference between two releases, for a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gatekeeper.core.canonical import short
from gatekeeper.core.diff import FilesChange, RenameChange, TextChange
from gatekeeper.core.trees import ABSENT
from gatekeeper.core.words import counts
from gatekeeper.report.columns import columns, to_left
from gatekeeper.report.markup import escape
from gatekeeper.report.release import size
from gatekeeper.report.spans import Span, words, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatekeeper.core.change_class import Demand
    from gatekeeper.core.diff import Change, FileChange, PartDiff, ReleaseDiff, ValueChange
    from gatekeeper.core.trees import KeyPath
    from gatekeeper.core.words import Piece
    from gatekeeper.model.release import Release

CONTEXT = 6
"""Unchanged words shown on either side of a change."""
PAD = " " * 11
MOST_FILES = 12
"""Files listed one by one for each list; all of them are in the JSON."""
_MARKS = {"changed": ("~", "yellow"), "removed": ("-", "red"), "added": ("+", "green")}


def text(diff: ReleaseDiff, *, width: int = 80) -> str:
    """What changed, by how much, and which gates follow, in lines of at most `width`."""
    if diff.old.digest == diff.new.digest:
        return f"[bold]no difference[/bold]: both are {escape(named(diff.old))}; no gate follows"
    lines = [*_head(diff), ""]
    for part in diff.parts:
        lines += [*_part(part, width), ""]
    lines += wrap(
        words(", ".join(diff.unchanged) or "nothing"), width, first=f"{'unchanged':<11}", rest=PAD
    )
    lines += _demand(diff.demand, width)
    return "\n".join(lines)


def _head(diff: ReleaseDiff) -> list[str]:
    changed = ", ".join(part.name for part in diff.parts) or "the name only"
    return [
        f"{'from':<11}{escape(named(diff.old))}",
        f"{'to':<11}{escape(named(diff.new))}",
        f"{'class':<11}[bold]{diff.change_class}[/bold] ({changed})",
    ]


def named(release: Release) -> str:
    """A release by name and the beginning of its digest."""
    return f"{release.name}@sha256:{short(release.digest)}"


def _part(part: PartDiff, width: int) -> Iterator[str]:
    digests = f"  [dim]{short(part.old_digest)} -> {short(part.new_digest)}[/dim]"
    yield f"[bold]{part.name}[/bold]{digests if part.new_digest else ''}"
    for change in part.changes:
        yield from _change(change, width)


def _change(change: Change, width: int) -> Iterator[str]:
    if isinstance(change, FilesChange):
        yield from _files(change, width)
    elif isinstance(change, TextChange):
        yield from wrap(
            [Span(key(change.path)), *words(text_note(change))], width, first="  ", rest=" " * 6
        )
        pieces = list(_pieces(change.pieces)) or words("(only blanks differ)", "dim")
        if pieces[-1].text == "\n":
            pieces.pop()
        yield from wrap(pieces, width, first=" " * 4, rest=" " * 4)
    elif isinstance(change, RenameChange):
        spans = [Span(key(change.path)), *words("was called"), Span(change.old, "red")]
        yield from wrap(spans, width, first="  ", rest=" " * 6)
    else:
        yield from wrap(_value(change), width, first="  ", rest=" " * 6)


def _value(change: ValueChange) -> list[Span]:
    name = Span(key(change.path))
    if change.old is ABSENT:
        return [Span("+", "green"), name, *words(value(change.new), "green")]
    if change.new is ABSENT:
        return [Span("-", "red"), name, *words(value(change.old), "red")]
    spans = [
        name,
        *words(value(change.old), "red"),
        Span("->"),
        *words(value(change.new), "green"),
    ]
    return spans if change.relative is None else [*spans, *words(f"({percent(change.relative)})")]


def _pieces(pieces: Sequence[Piece]) -> Iterator[Span]:
    """Words with what is removed in [-…-] and what is added in {+…+}, long runs shortened."""
    for index, piece in enumerate(pieces):
        if piece.operation == "removed":
            yield from _marked(piece.words, "[-", "-]", "red")
        elif piece.operation == "added":
            yield from _marked(piece.words, "{+", "+}", "green")
        elif len(pieces) > 1:
            shown = shorten(piece.words, first=index == 0, last=index == len(pieces) - 1)
            yield from (Span(word, "dim" if word == "…" else "") for word in shown)


def _marked(found: Sequence[str], before: str, after: str, style: str) -> Iterator[Span]:
    seen = ["↵" if word == "\n" else word for word in found]
    seen[0] = before + seen[0]
    seen[-1] += after
    for word, shown in zip(found, seen, strict=True):
        yield Span(shown, style)
        if word == "\n":
            yield Span("\n")


def shorten(found: Sequence[str], *, first: bool, last: bool) -> list[str]:
    """A run of unchanged words, its middle (or the end away from a change) left out."""
    head = 0 if first else CONTEXT
    tail = 0 if last else CONTEXT
    if len(found) <= head + tail + 1:
        return list(found)
    return [*found[:head], "…", *found[len(found) - tail :]]


def _files(change: FilesChange, width: int) -> Iterator[str]:
    spans = [Span(key(change.path)), *words(files_note(change))]
    yield from wrap(spans, width, first="  ", rest=" " * 6)
    shown = change.files[:MOST_FILES]
    column = min(max(columns(file.file) for file in shown), width // 2)
    for file in shown:
        mark, style = _MARKS[file.kind]
        spans = [Span(mark, style), Span(to_left(file.file, column)), *words(file_note(file))]
        yield from wrap(spans, width, first=" " * 4, rest=" " * 8)
    if len(change.files) > MOST_FILES:
        yield f"    [dim]and {len(change.files) - MOST_FILES} more (all with --output json)[/dim]"


def _demand(found: Demand, width: int) -> Iterator[str]:
    rows = {
        "gates": ", ".join(found.sections) or "none",
        "suites": ", ".join(found.suites) or "none",
        "because": found.reason,
    }
    for name, content in rows.items():
        style = "bold" if name == "gates" else ""
        yield from wrap(words(content, style), width, first=f"{name:<11}", rest=PAD)


# -- shared with the Markdown form ----------------------------------------------------------------


def key(path: KeyPath) -> str:
    """``tiers.standard.timeout_seconds``, ``routes[1].route_to``."""
    parts = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(parts).removeprefix(".")


def value(found: Any) -> str:
    """A JSON value on one line; what is null inside a mapping is left out."""
    return json.dumps(_tidy(found), ensure_ascii=False)


def _tidy(found: Any) -> Any:
    if isinstance(found, dict):
        return {name: _tidy(item) for name, item in found.items() if item is not None}
    if isinstance(found, list):
        return [_tidy(item) for item in found]
    return int(found) if isinstance(found, float) and found.is_integer() else found


def percent(relative: float) -> str:
    """A relative change with its sign."""
    return f"{relative * 100:+.1f} %"


def text_note(change: TextChange) -> str:
    """How a text's length changes, and how many words."""
    old, new = len(change.old), len(change.new)
    added, removed = counts(change.pieces)
    return f"{old} -> {new} characters{_relative(old, new)}, words +{added} -{removed}"


def files_note(change: FilesChange) -> str:
    """How a list of files changes, as a whole."""
    kinds = [file.kind for file in change.files]
    counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in _MARKS if kind in kinds)
    return (
        f"{change.old_count} -> {change.new_count} files, "
        f"{size(change.old_size)} -> {size(change.new_size)}"
        f"{_relative(change.old_size, change.new_size)}: {counted}"
    )


def file_note(change: FileChange) -> str:
    """Sizes of a file, and lines where they were counted."""
    if change.old_size is None or change.new_size is None:
        return size(change.old_size or change.new_size or 0)
    note = f"{size(change.old_size)} -> {size(change.new_size)}"
    if change.lines is not None:
        note += f", lines +{change.lines[0]} -{change.lines[1]}"
    return note


def _relative(old: int, new: int) -> str:
    return f" ({percent((new - old) / old)})" if old and new != old else ""
