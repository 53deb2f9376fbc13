"""The difference between two releases as Markdown, for a pull request comment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.core.diff import FilesChange, RenameChange, TextChange, ValueChange
from gatekeeper.core.trees import ABSENT
from gatekeeper.report.diff import (
    MOST_FILES,
    file_note,
    files_note,
    key,
    named,
    percent,
    shorten,
    text_note,
    value,
)
from gatekeeper.report.markdown import cell, code, plain, row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.core.diff import PartDiff, ReleaseDiff


def markdown(diff: ReleaseDiff) -> str:
    """A heading, the class and the gates first, then a section a component."""
    if diff.old.digest == diff.new.digest:
        return f"**No difference**: both are {code(named(diff.old))}; no gate follows.\n"
    demand = diff.demand
    changed = ", ".join(part.name for part in diff.parts) or "the name only"
    blocks = [
        f"### Release {code(named(diff.old))} → {code(named(diff.new))}",
        "\n".join(
            [
                "| | |",
                "| --- | --- |",
                f"| Change class | **{diff.change_class}** ({changed}) |",
                f"| Gates that follow | {', '.join(demand.sections) or 'none'} |",
                f"| Suites | {', '.join(demand.suites) or 'none'} |",
                f"| Because | {plain(demand.reason)} |",
                f"| Unchanged | {', '.join(diff.unchanged) or 'nothing'} |",
            ]
        ),
    ]
    for part in diff.parts:
        blocks += _part(part)
    return "\n\n".join(blocks) + "\n"


def _part(part: PartDiff) -> Iterator[str]:
    yield f"#### {part.name}"
    rows = [
        _row(change) for change in part.changes if isinstance(change, ValueChange | RenameChange)
    ]
    if rows:
        yield "\n".join(["| key | old | new | change |", "| --- | --- | --- | --- |", *rows])
    for change in part.changes:
        if isinstance(change, TextChange):
            yield f"{code(key(change.path))}: {text_note(change)}"
            yield "> " + _words(change)
        elif isinstance(change, FilesChange):
            yield f"{code(key(change.path))}: {files_note(change)}"
            yield "\n".join(_files(change))


def _row(change: ValueChange | RenameChange) -> str:
    path = cell(key(change.path))
    if isinstance(change, RenameChange):
        return row([path, cell(change.old), cell(str(change.path[-1])), "renamed"])
    old, new = ("" if side is ABSENT else cell(value(side)) for side in (change.old, change.new))
    if change.old is ABSENT:
        note = "added"
    elif change.new is ABSENT:
        note = "removed"
    else:
        note = "" if change.relative is None else percent(change.relative)
    return row([path, old, new, note])


def _words(change: TextChange) -> str:
    found: list[str] = []
    for index, piece in enumerate(change.pieces):
        if piece.operation == "same":
            last = index == len(change.pieces) - 1
            found += [_shown(word) for word in shorten(piece.words, first=index == 0, last=last)]
        else:
            tag = "del" if piece.operation == "removed" else "ins"
            found.append(f"<{tag}>{' '.join(_shown(word) for word in piece.words)}</{tag}>")
    return " ".join(found).replace("\n", "<br>")


def _shown(word: str) -> str:
    return word if word == "\n" else plain(word)


def _files(change: FilesChange) -> Iterator[str]:
    for file in change.files[:MOST_FILES]:
        yield f"- {file.kind} {code(file.file)}: {file_note(file)}"
    if len(change.files) > MOST_FILES:
        yield f"- and {len(change.files) - MOST_FILES} more"
