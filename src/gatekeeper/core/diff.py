"""What changed between two releases: per component, by how much, and what follows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from gatekeeper.core import trees, words
from gatekeeper.core.change_class import ChangeClass, Demand, Part, classify, demand
from gatekeeper.model.base import COMPONENTS, ComponentName

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatekeeper.core.trees import KeyPath
    from gatekeeper.core.words import Piece
    from gatekeeper.model.release import Release

LONG_TEXT: Final = 60
"""Characters from which a text is compared word by word wherever it stands."""
PROSE: Final = frozenset({"system", "template", "user", "assistant", "chat_template"})
_FILE_LISTS: Final[dict[ComponentName, frozenset[str]]] = {
    "model": frozenset({"files", "tokenizer_files"}),
    "retrieval": frozenset({"documents"}),
}
_ORDER: Final = {"changed": 0, "removed": 1, "added": 2}
"""What may surprise most comes first, because long lists are cut."""
Kind = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A key with another value, or on one side only (`trees.ABSENT`)."""

    path: KeyPath
    old: Any
    new: Any
    relative: float | None = None


@dataclass(frozen=True, slots=True)
class TextChange:
    """A text with other words."""

    path: KeyPath
    old: str
    new: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class RenameChange:
    """A key that has another name; `path` is the new one."""

    path: KeyPath
    old: str


@dataclass(frozen=True, slots=True)
class FileChange:
    """A document or a model file.

    Attributes:
        lines: Lines added and removed in a changed document.
    """

    file: str
    kind: Kind
    old_size: int | None
    new_size: int | None
    lines: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class FilesChange:
    """A list of files; counts and sizes are those of the whole list."""

    path: KeyPath
    old_count: int
    new_count: int
    old_size: int
    new_size: int
    files: tuple[FileChange, ...]


Change = ValueChange | TextChange | RenameChange | FilesChange


@dataclass(frozen=True, slots=True)
class PartDiff:
    """One component (or the governance) that differs."""

    name: Part
    changes: tuple[Change, ...]
    old_digest: str = ""
    new_digest: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseDiff:
    """All of it. `demand` is the least that the new release has to be judged by."""

    old: Release
    new: Release
    parts: tuple[PartDiff, ...]
    unchanged: tuple[ComponentName, ...]
    change_class: ChangeClass
    demand: Demand


def compare(
    old: Release,
    new: Release,
    old_documents: Mapping[str, bytes],
    new_documents: Mapping[str, bytes],
) -> ReleaseDiff:
    """From `old` to `new`, with the bytes of both snapshots."""
    parts = [
        PartDiff(
            name,
            tuple(_component(name, old, new, old_documents, new_documents)),
            old.component_digests[name],
            new.component_digests[name],
        )
        for name in COMPONENTS
        if old.component_digests[name] != new.component_digests[name]
    ]
    governance = tuple(_values(_plain(old.governance), _plain(new.governance)))
    if governance:
        parts.append(PartDiff("governance", governance))
    changed = {part.name for part in parts}
    change_class = classify(changed)
    return ReleaseDiff(
        old=old,
        new=new,
        parts=tuple(parts),
        unchanged=tuple(name for name in COMPONENTS if name not in changed),
        change_class=change_class,
        demand=demand(change_class),
    )


def _component(
    name: ComponentName,
    old: Release,
    new: Release,
    old_documents: Mapping[str, bytes],
    new_documents: Mapping[str, bytes],
) -> Iterator[Change]:
    before = _plain(getattr(old.components, name))
    after = _plain(getattr(new.components, name))
    lists = _FILE_LISTS.get(name, frozenset())
    old_files, new_files = _lift_files(before, lists), _lift_files(after, lists)
    yield from _values(before, after)
    for path in sorted({*old_files, *new_files}, key=str):
        found = _files(old_files.get(path, []), new_files.get(path, []))
        files = tuple(sorted(found, key=lambda file: (_ORDER[file.kind], file.file)))
        if files and name == "retrieval":
            files = tuple(_with_lines(file, old_documents, new_documents) for file in files)
        if files:
            yield _list_change(path, old_files.get(path, []), new_files.get(path, []), files)


def _list_change(
    path: KeyPath,
    old: list[dict[str, Any]],
    new: list[dict[str, Any]],
    files: tuple[FileChange, ...],
) -> FilesChange:
    return FilesChange(
        path=path,
        old_count=len(old),
        new_count=len(new),
        old_size=sum(file["size"] for file in old),
        new_size=sum(file["size"] for file in new),
        files=files,
    )


def _values(old: Any, new: Any) -> Iterator[Change]:
    return (_change(difference) for difference in trees.compare(old, new))


def _lift_files(
    value: Any, lists: frozenset[str], path: KeyPath = ()
) -> dict[KeyPath, list[dict[str, Any]]]:
    """Remove every list of files from a structure; returns them by where they were."""
    found: dict[KeyPath, list[dict[str, Any]]] = {}
    if isinstance(value, dict):
        for key in list(value):
            if key in lists:
                found[(*path, key)] = value.pop(key)
            else:
                found |= _lift_files(value[key], lists, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found |= _lift_files(item, lists, (*path, index))
    return found


def _files(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> Iterator[FileChange]:
    before = {file["path"]: file for file in old}
    after = {file["path"]: file for file in new}
    for name in sorted({*before, *after}):
        first, second = before.get(name), after.get(name)
        if first == second:
            continue
        kind: Kind = "added" if first is None else "removed" if second is None else "changed"
        yield FileChange(
            name, kind, *(None if file is None else file["size"] for file in (first, second))
        )


def _with_lines(
    change: FileChange, old: Mapping[str, bytes], new: Mapping[str, bytes]
) -> FileChange:
    if change.kind != "changed":
        return change
    return replace(change, lines=words.lines_changed(old[change.file], new[change.file]))


def _change(difference: trees.Difference | trees.Renamed) -> Change:
    if isinstance(difference, trees.Renamed):
        return RenameChange(difference.path, difference.old)
    old, new, path = difference.old, difference.new, difference.path
    if isinstance(old, str) and isinstance(new, str) and _prose(path, old, new):
        return TextChange(path, old, new, words.compare(old, new))
    return ValueChange(path, old, new, difference.relative)


def _prose(path: KeyPath, old: str, new: str) -> bool:
    return path[-1] in PROSE or max(len(old), len(new)) > LONG_TEXT or "\n" in old + new


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json")
