"""Authored documents: YAML 1.2 in, checked types out, every problem at once with its place."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from gatekeeper.adapters.files import read_regular
from gatekeeper.adapters.locations import Located
from gatekeeper.adapters.nodes import compose
from gatekeeper.adapters.problems import translate
from gatekeeper.adapters.project import Project
from gatekeeper.adapters.text import decode
from gatekeeper.adapters.tree import Mapping
from gatekeeper.errors import InputError, Problem
from gatekeeper.model import kinds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic import TypeAdapter

T = TypeVar("T")

DOCUMENT_LIMIT: Final = 512 * 1024
"""Bytes of one document."""
MAX_PROBLEMS: Final = 100


@dataclass(frozen=True, slots=True)
class Source:
    """A document as it is written, not yet checked against a type.

    Attributes:
        file: Its path from the project's root, for people.
        sha256: ``sha256:…`` of its bytes.
        problems: What is wrong with its form already.
        located: Where everything in it stands.
    """

    file: str
    sha256: str
    problems: tuple[Problem, ...]
    located: Located = field(repr=False)

    @property
    def plain(self) -> Any:
        """The content as JSON would hold it."""
        return self.located.root.plain()


@dataclass(frozen=True, slots=True)
class Document(Generic[T]):
    """An authored document that is what it should be.

    Attributes:
        value: The content.
        file: Its path from the project's root, for people.
        sha256: ``sha256:…`` of its bytes.
        located: Where everything in it stands.
    """

    value: T
    file: str
    sha256: str
    located: Located = field(repr=False)

    def problem(
        self,
        key_path: tuple[str | int, ...],
        message: str,
        accepted: str = "",
        nearest: str = "",
    ) -> Problem:
        """A problem with the value at `key_path`, at its line and column."""
        return self.located.problem(key_path, message, accepted, nearest)


def read(path: Path, *types: type[T], root: Path) -> Document[T]:
    """The document in a file of the project.

    Args:
        path: The file, absolute or relative to the working directory.
        types: What it may be. Of several, its `kind` decides, then which keys it has.
        root: The project's root, which the file may not leave.

    Raises:
        UsageError: The file is absent, outside the project, or no regular file.
        InputError: Everything wrong with its content, at once.
    """
    project = Project(root.resolve())
    resolved = project.inside(project.relative(path.absolute()))
    name = project.relative(resolved)
    return check(parse(read_regular(resolved, name, DOCUMENT_LIMIT), name), *types)


def parse(data: bytes, file: str) -> Source:
    """The document in `data`; raises `InputError` when it has no tree at all."""
    text = decode(data, file)
    root, problems = compose(text, file)
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    return Source(file, digest, tuple(problems), Located(root, text, file))


def check(source: Source, *types: type[T]) -> Document[T]:
    """`source` as one of `types`; raises `InputError` with everything wrong with it."""
    from pydantic import TypeAdapter, ValidationError

    plain = source.plain
    problems = [*source.problems, *_other_kind(source.located, types)]
    if len(problems) > len(source.problems):
        raise InputError(problems)
    adapter: TypeAdapter[T] = TypeAdapter(_choose(plain, types))
    try:
        value = adapter.validate_json(json.dumps(plain))
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        problems += translate(details, source.located, adapter.json_schema())
    if problems:
        problems.sort(key=lambda problem: (problem.line, problem.column, problem.path))
        raise InputError(list(dict.fromkeys(problems))[:MAX_PROBLEMS])
    return Document(value, source.file, source.sha256, source.located)


def _kind(type_: Any) -> str:
    """The `kind` that a type demands of a document, if any."""
    from typing import get_args

    fields = getattr(type_, "model_fields", {})
    names = get_args(fields["kind"].annotation) if "kind" in fields else ()
    return str(names[0]) if names else ""


def _other_kind(located: Located, types: Sequence[Any]) -> list[Problem]:
    """The document is of a kind that exists but is not asked for: the rest would be noise."""
    root = located.root
    given = root.plain().get("kind") if isinstance(root, Mapping) else None
    wanted = [kind for kind in map(_kind, types) if kind]
    if not wanted or given in wanted or not isinstance(given, str) or given not in kinds.KINDS:
        return []
    return [located.problem(("kind",), f"is a {given}", " or ".join(wanted))]


def _choose(plain: Any, types: Sequence[Any]) -> Any:
    """The type that a document is meant to be."""
    if not isinstance(plain, dict) or len(types) == 1:
        return types[0]
    given = plain.get("kind")

    def likeness(type_: Any) -> tuple[bool, int]:
        """How well a type fits: its kind is the one given, and how many keys it knows."""
        fields = getattr(type_, "model_fields", {})
        return bool(given) and _kind(type_) == given, sum(key in fields for key in plain)

    return max(types, key=likeness)
