"""Eval sets on disk: a YAML header and a JSON Lines file that is never held in memory."""

from __future__ import annotations

import hashlib
import json
from array import array
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NoReturn

from gatekeeper.adapters import yaml
from gatekeeper.adapters.evalsets.needs import scorable
from gatekeeper.adapters.scorers.checking import check_scorers
from gatekeeper.adapters.text import decode
from gatekeeper.core.canonical import canonical
from gatekeeper.errors import InputError, IntegrityError, Problem, UsageError
from gatekeeper.model.evalset import EvalSet, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gatekeeper.adapters.project import Project
    from gatekeeper.core.scoring.panel import Called

LINE_LIMIT: Final = 1 << 20
"""Bytes of one sample."""
MAX_PROBLEMS: Final = 100


@dataclass(frozen=True, slots=True)
class LoadedSet:
    """An eval set every line of which was checked: its header and a sequence of samples.

    Attributes:
        file: The samples' file, from the project's root, for people.
        digest: sha256 of the canonical header and the file's bytes.
    """

    header: EvalSet
    file: str
    digest: str
    path: Path = field(repr=False)
    offsets: array[int] = field(repr=False)

    def __len__(self) -> int:
        return len(self.offsets)

    def __getitem__(self, number: int) -> Sample:
        """Sample `number`, read when it is asked for."""
        with self.path.open("rb") as file:
            file.seek(self.offsets[number])
            return Sample.model_validate_json(file.readline())


def open_set(project: Project, path: Path) -> LoadedSet:
    """The eval set whose header is at `path`, checked to its last line.

    Raises:
        UsageError: A file is absent or outside the project.
        InputError: Everything wrong with the header, or with the samples, at once.
        IntegrityError: The file is not the one that the header names by digest.
    """
    document = yaml.read(path, EvalSet, root=project.root)
    header = document.value
    scorers = check_scorers(document, project)
    resolved = project.inside(header.file)
    name = project.relative(resolved)
    if not resolved.is_file():
        raise UsageError("no such file", where=name, fix=f"see `file` in {document.file}")
    reader = _Reader(header, name, scorers)
    with resolved.open("rb") as file:
        reader.read(file)
    if header.sha256 not in (None, f"sha256:{reader.plain.hexdigest()}"):
        raise IntegrityError(
            f"is not the file that {document.file} names by its digest",
            where=name,
            fix=f"restore the file, or set sha256: sha256:{reader.plain.hexdigest()}",
        )
    return LoadedSet(header, name, f"sha256:{reader.whole.hexdigest()}", resolved, reader.offsets)


class _Reader:
    """Reads a file line by line, and keeps what it learns."""

    def __init__(self, header: EvalSet, file: str, scorers: Sequence[Called]) -> None:
        self.offsets = array("Q")
        self.plain = hashlib.sha256()
        self.whole = hashlib.sha256(canonical(header.model_dump(mode="json")))
        self._header = header
        self._scorers = scorers
        self._file = file
        self._ids: dict[bytes, int] = {}
        self._problems: list[Problem] = []

    def read(self, file: BinaryIO) -> None:
        offset = 0
        for number, line in enumerate(iter(lambda: file.readline(LINE_LIMIT + 1), b""), start=1):
            self.plain.update(line)
            self.whole.update(line)
            if len(line) > LINE_LIMIT:
                self._too_long(number)
            if line.strip():
                self._line(number, line)
                self.offsets.append(offset)
            offset += len(line)
            if len(self._problems) >= MAX_PROBLEMS:
                break
        if not self.offsets:
            self._problems.append(Problem("has no samples", self._file))
        if self._problems:
            raise InputError(self._problems[:MAX_PROBLEMS])

    def _too_long(self, number: int) -> NoReturn:
        problem = Problem(
            "is a longer line than a sample may be", self._file, number, 1,
            accepted=f"at most {LINE_LIMIT:,} bytes",
        )  # fmt: skip
        raise InputError([*self._problems, problem])

    def _line(self, number: int, line: bytes) -> None:
        try:
            sample = _sample(line, self._file)
        except InputError as error:
            self._problems += [replace(one, file=self._file, line=number) for one in error.problems]
            return
        self._problems += [
            Problem(message, self._file, number, 1, path, accepted)
            for path, message, accepted in self._faults(number, sample)
        ]

    def _faults(self, number: int, sample: Sample) -> Iterator[tuple[str, str, str]]:
        header, key = self._header, hashlib.blake2b(sample.id.encode(), digest_size=12).digest()
        first = self._ids.setdefault(key, number)
        if first != number:
            yield "id", f"{sample.id!r} is the id of line {first} too", "an id of its own"
        if header.cluster and header.cluster not in sample.tags:
            yield "tags", f"has no {header.cluster!r}", "the tag that `cluster` names"
        if not scorable(self._scorers, sample):
            yield (
                "expect",
                "gives the set's scorers nothing to score",
                ", ".join(one.scorer for one in header.scorers or ()),
            )


class _TwiceError(Exception):
    """An object has a key twice."""


def _sample(line: bytes, file: str) -> Sample:
    """One line as a sample; raises `InputError` with what is wrong, placed in the line."""
    from pydantic import ValidationError

    text = decode(line, file).rstrip("\r\n")
    try:
        json.loads(text, object_pairs_hook=_once, parse_constant=_refused)
        return Sample.model_validate_json(text)
    except json.JSONDecodeError as error:
        problem = Problem(f"is not JSON: {error.msg}", file, 1, error.colno, accepted="one object")
        raise InputError([problem]) from None
    except RecursionError:
        raise InputError([Problem("is nested too deeply", file, 1, 1)]) from None
    except (ValidationError, _TwiceError):
        # JSON is YAML, and the reader of YAML knows where everything stands.
        return yaml.check(yaml.parse(line, file), Sample).value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _TwiceError
    return found


def _refused(word: str) -> NoReturn:
    raise InputError([Problem(f"{word} is not JSON", column=1, accepted="finite numbers")])
