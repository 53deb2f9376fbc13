"""The files that a header names, what they are, and the digest of them all."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from gatekeeper.adapters.evalsets import directory
from gatekeeper.adapters.shapes import nearest
from gatekeeper.core.canonical import canonical, digest
from gatekeeper.errors import InputError, IntegrityError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatekeeper.adapters import yaml
    from gatekeeper.adapters.hashing import FileHasher
    from gatekeeper.adapters.project import Project
    from gatekeeper.model.evalset import EvalSet, Format

ENDINGS: Final[dict[str, Format]] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".txt": "text",
}
"""What a file is, by how its name ends."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of samples. `name` is from the project's root, `path` is resolved."""

    name: str
    path: Path = field(repr=False)


@dataclass(frozen=True, slots=True)
class Source:
    """Where the samples of a set are.

    Attributes:
        name: What the header calls it, from the project's root.
        format: What every part is; ``arrow`` inside a directory that `datasets` saved.
        parts: Files of samples, in order.
        guides: Files that say what the parts are.
    """

    name: str
    format: str
    parts: tuple[Part, ...]
    guides: tuple[Part, ...] = ()

    def listed(self, hasher: FileHasher) -> list[dict[str, Any]]:
        """Path, size and sha256 of every file; a single file has no path of its own."""
        files = sorted((*self.parts, *self.guides), key=lambda part: part.name)
        found = hasher.digests([part.path for part in files])
        sizes = [(part, *found[part.path]) for part in files]
        return [
            {"path": part.name.removeprefix(self.name).lstrip("/"), "size": size, "sha256": value}
            for part, size, value in sizes
        ]


def find(project: Project, document: yaml.Document[EvalSet]) -> Source:
    """The files of the set; raises `UsageError` or `InputError` where there are none."""
    header = document.value
    resolved = project.inside(header.file)
    name = project.relative(resolved)
    if resolved.is_dir():
        return _of_directory(project, document, name)
    if not resolved.is_file():
        raise UsageError("no such file", where=name, fix=f"see `file` in {document.file}")
    known = header.format or ENDINGS.get(resolved.suffix.lower())
    if known is None or known == "huggingface":
        raise InputError([_unknown(document, resolved.suffix)])
    return Source(name, known, (Part(name, resolved),))


def _of_directory(project: Project, document: yaml.Document[EvalSet], name: str) -> Source:
    header = document.value
    if header.format not in (None, "huggingface"):
        message = f"is {header.format}, but {name} is a directory"
        raise InputError([document.problem(("format",), message, "huggingface, or a file")])
    found = directory.find(project, name, header.split)
    if isinstance(found, directory.NoSplit):
        message = f"{name} has no split {header.split!r}"
        close = nearest(header.split, found.known)
        raise InputError([document.problem(("split",), message, ", ".join(found.known), close)])
    parts = tuple(Part(f"{name}/{file}", project.inside(f"{name}/{file}")) for file in found.data)
    guides = tuple(
        Part(f"{name}/{file}", project.inside(f"{name}/{file}")) for file in found.guides
    )
    return Source(name, found.format, parts, guides)


def _unknown(document: yaml.Document[EvalSet], suffix: str) -> Any:
    message = f"its name ends with {suffix!r}, which does not say what it is"
    if document.value.format:
        message = "is huggingface, but `file` is no directory"
    accepted = "`format: jsonl`, json, csv, parquet or text"
    key = "format" if document.value.format else "file"
    return document.problem((key,), message, accepted)


def digest_of(header: EvalSet, files: list[dict[str, Any]]) -> str:
    """The identity of a set: its canonical header and its files."""
    written = header.model_dump(mode="json")
    if header.strata is None:
        del written["strata"]  # Sets are older than this key, and keep their identity.
    return digest(canonical({"header": written, "files": files}))


def plain_digest(files: list[dict[str, Any]]) -> str:
    """What `sha256` in a header has to be: that of the file, or of the list of a directory's."""
    if len(files) == 1 and not files[0]["path"]:
        return f"sha256:{cast('str', files[0]['sha256'])}"
    return f"sha256:{hashlib.sha256(canonical(files)).hexdigest()}"


@contextmanager
def steady(source: Source) -> Iterator[None]:
    """Raises `IntegrityError` when a file of the set is written to in the meantime."""
    before = [_touch(part.path) for part in (*source.parts, *source.guides)]
    yield
    for part, touch in zip((*source.parts, *source.guides), before, strict=True):
        if _touch(part.path) != touch:
            raise IntegrityError(
                "changed while it was being read",
                where=part.name,
                fix="let its writer finish first",
            )


def _touch(path: Path) -> tuple[int, int, int, int]:
    status = os.stat(path)  # noqa: PTH116 - the fields that matter, in one call
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
