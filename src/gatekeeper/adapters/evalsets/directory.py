"""Directories of data sets: what `datasets` saved, or shards as the Hugging Face hub has them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.files import read_bytes, walk
from gatekeeper.errors import InputError, Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.adapters.project import Project

_ENDINGS: Final = {".parquet": "parquet", ".jsonl": "jsonl", ".csv": "csv"}
_SHARD: Final = re.compile(r"^(?P<split>.+?)(?:-(?P<part>\d{5})-of-(?P<of>\d{5}))?$")
_GUIDES: Final = ("state.json", "dataset_info.json")


@dataclass(frozen=True, slots=True)
class Data:
    """Files of one split, relative to the directory."""

    format: str
    data: tuple[str, ...]
    guides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoSplit:
    """There are several splits, and none has the name that was asked for."""

    known: tuple[str, ...]


def find(project: Project, name: str, split: str) -> Data | NoSplit:
    """The files of a split; of a directory that has one split, that one.

    Raises:
        InputError: A link leaves the project, a shard is missing, or a description is damaged.
        UsageError: There is no data.
    """
    files = walk(project, name)
    if "state.json" in files:
        return _saved(project, name, "", files)
    if "dataset_dict.json" in files:
        known = tuple(_described(project, f"{name}/dataset_dict.json", "splits"))
        chosen = split if split in known else known[0] if len(known) == 1 else ""
        return _saved(project, name, f"{chosen}/", files) if chosen else NoSplit(known)
    return _shards(name, split, files)


def _saved(project: Project, name: str, inner: str, files: Sequence[str]) -> Data:
    """What `save_to_disk` wrote: Arrow streams that `state.json` lists in order."""
    if f"{inner}state.json" not in files:
        raise _no_data(f"{name}/{inner}".rstrip("/"))
    state = f"{name}/{inner}state.json"
    data = [f"{inner}{one}" for one in _described(project, state, "_data_files", "filename")]
    problems = [
        Problem(f"names {one!r}, which is not there", state, accepted="files of the directory")
        for one in data
        if one not in files
    ]
    if problems:
        raise InputError(problems)
    guides = tuple(f"{inner}{guide}" for guide in _GUIDES if f"{inner}{guide}" in files)
    return Data("arrow", tuple(data), guides)


def _described(project: Project, file: str, key: str, inner: str = "") -> list[str]:
    """A list of names in a description."""
    try:
        value: Any = json.loads(read_bytes(project, file))[key]
        found = [one[inner] if inner else one for one in value]
    except (ValueError, KeyError, TypeError):
        found = []
    if not found or not all(isinstance(one, str) for one in found):
        accepted = f"the description that `datasets` wrote, with `{key}`"
        raise InputError([Problem("is damaged or is something else", file, accepted=accepted)])
    return found


def _shards(name: str, split: str, files: Sequence[str]) -> Data | NoSplit:
    """Shards such as `data/test-00000-of-00002.parquet`, or single files such as `test.jsonl`."""
    splits: dict[str, list[str]] = {}
    for file in files:
        stem, dot, ending = file.rpartition(".")
        hidden = any(part.startswith(".") for part in file.split("/"))
        if dot + ending in _ENDINGS and not hidden:
            match = _SHARD.match(stem.rpartition("/")[2])
            splits.setdefault(match["split"] if match else stem, []).append(file)
    if not splits:
        raise _no_data(name)
    chosen = split if split in splits else next(iter(splits)) if len(splits) == 1 else ""
    return _complete(name, chosen, splits[chosen]) if chosen else NoSplit(tuple(sorted(splits)))


def _complete(name: str, split: str, files: list[str]) -> Data:
    """The shards of a split: of one kind, in one place, and all of them."""
    places = sorted({(file.rpartition("/")[0], file.rpartition(".")[2]) for file in files})
    if len(places) > 1:
        found = ", ".join(sorted(files)[:4])
        fix = "name the directory of one of them in `file`"
        raise UsageError(f"has several of split {split!r}: {found}", where=name, fix=fix)
    missing = _missing(files)
    if missing:
        place = f"{name}/{places[0][0]}".rstrip("/")
        raise InputError([Problem(f"has no shard {', '.join(missing)} of {split!r}", place)])
    return Data(_ENDINGS[f".{places[0][1]}"], tuple(sorted(files)))


def _missing(files: list[str]) -> list[str]:
    matches = [_SHARD.match(file.rpartition(".")[0].rpartition("/")[2]) for file in files]
    numbered = [(int(m["part"]), int(m["of"])) for m in matches if m and m["of"]]
    present = {part for part, _ in numbered}
    expected = range(max((of for _, of in numbered), default=0))
    return [f"{part:05d}" for part in expected if part not in present][:10]


def _no_data(name: str) -> UsageError:
    return UsageError(
        "has no data",
        where=name,
        fix="name a directory with state.json, or with .parquet, .jsonl or .csv files of a split",
    )
