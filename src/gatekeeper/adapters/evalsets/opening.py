"""From the header of an eval set to its samples, every one of which was checked once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.adapters import yaml
from gatekeeper.adapters.evalsets.checker import Checker
from gatekeeper.adapters.evalsets.columns import check_places
from gatekeeper.adapters.evalsets.converting import Converter
from gatekeeper.adapters.evalsets.jsonl import lines
from gatekeeper.adapters.evalsets.known import Known
from gatekeeper.adapters.evalsets.line import sample_of
from gatekeeper.adapters.evalsets.loaded import Lines, LoadedSet
from gatekeeper.adapters.evalsets.source import digest_of, find, plain_digest, steady
from gatekeeper.adapters.hashing import FileHasher
from gatekeeper.adapters.scorers.checking import check_scorers
from gatekeeper.errors import InputError, IntegrityError
from gatekeeper.model.evalset import EvalSet

if TYPE_CHECKING:
    from gatekeeper.adapters.evalsets.source import Part, Source
    from gatekeeper.adapters.project import Project


def open_set(project: Project, path: Path) -> LoadedSet:
    """The eval set whose header is at `path`, checked to its last sample.

    A set that was checked before, and whose header and files have the digest of then, is opened
    without reading it again.

    Raises:
        UsageError: A file is absent or outside the project.
        InputError: Everything wrong with the header, or with the samples, at once.
        IntegrityError: The file is not the one that the header names by digest, or it was written
            to while it was read.
    """
    document = yaml.read(path, EvalSet, root=project.root)
    scorers = check_scorers(document, project)
    check_places(document)
    source = find(project, document)
    hasher = FileHasher(project.cache / "files.jsonl")
    with steady(source):
        files = source.listed(hasher)
        _refuse_other(document, source, plain_digest(files))
        digest = digest_of(document.value, files)
        known = Known(project.cache / "sets" / digest.removeprefix("sha256:"))
        checker = Checker(document.value, scorers, source.parts[0].name)
        opening = _Opening(document, source, known, hasher)
        return LoadedSet(document.value, source.name, digest, opening.lines(checker))


def _refuse_other(document: yaml.Document[EvalSet], source: Source, found: str) -> None:
    if document.value.sha256 not in (None, found):
        raise IntegrityError(
            f"is not the file that {document.file} names by its digest",
            where=source.name,
            fix=f"restore the file, or set sha256: {found}",
        )


class _Opening:
    """One set on its way to being open."""

    def __init__(
        self, document: yaml.Document[EvalSet], source: Source, known: Known, hasher: FileHasher
    ) -> None:
        self._document = document
        self._source = source
        self._known = known
        self._hasher = hasher

    def lines(self, checker: Checker) -> Lines:
        """The samples, from what is known or after a check of them all."""
        direct = _holds_samples(self._document.value, self._source)
        path = self._source.parts[0].path if direct else self._known.samples
        found = self._known.lines(path, self._hasher)
        if found is not None:
            return found
        if direct:
            _check(self._source.parts[0], checker)
        else:
            self._convert(checker)
        self._known.remember(
            checker.offsets, self._hasher, self._document.file, converted=not direct
        )
        return Lines(path, checker.offsets)

    def _convert(self, checker: Checker) -> None:
        with self._known.writing() as out:
            Converter(self._document, checker, out).convert(self._source)
            checker.finish(Lines(Path(out.name), checker.offsets))


def _holds_samples(header: EvalSet, source: Source) -> bool:
    """Whether the source is one file whose lines are samples as they are."""
    mapped = header.fields or header.defaults or header.values or header.where
    return source.format == "jsonl" and len(source.parts) == 1 and not mapped


def _check(part: Part, checker: Checker) -> None:
    """Every line of a file of samples; raises `InputError` with everything wrong."""
    try:
        for number, offset, line in lines(part):
            try:
                checker.add(sample_of(line, part.name), offset, number)
            except InputError as error:
                checker.refuse(replace(one, line=number) for one in error.problems)
            if checker.full:
                break
    except InputError as error:  # a line beyond the limit: the rest is not looked at
        checker.refuse(error.problems)
    checker.finish(Lines(part.path, checker.offsets))
