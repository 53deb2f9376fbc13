"""The manifests of a project, and every file and directory that decides about them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters import yaml
from gatekeeper.adapters.files import walk
from gatekeeper.adapters.policies import read_policy
from gatekeeper.core.affected import POLICY, Authored, Reference
from gatekeeper.errors import GatekeeperError, UsageError
from gatekeeper.model.evalset import EvalSet
from gatekeeper.model.manifest import DirectoryRef, FileRef, ReleaseManifest, SnapshotSpec
from gatekeeper.model.policy import GatePolicy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pydantic import BaseModel

    from gatekeeper.adapters.project import Project

MANIFESTS: Final = "manifests"
_ENDINGS: Final = (".yaml", ".yml", ".json")
_KIND: Final = re.compile(r"""^\s*["']?kind["']?\s*:\s*["']?ReleaseManifest\b""", re.MULTILINE)
_LIMIT: Final = 1 << 20


def is_manifest(text: str) -> bool:
    """Whether a document says that it is a release manifest; it may be wrong in every other way."""
    return _KIND.search(text) is not None


def manifest_files(project: Project, places: Sequence[Path] = ()) -> tuple[str, ...]:
    """The release manifests in files and directories, by default below `manifests/`.

    Raises:
        UsageError: A place is not there, is outside the project, or is a file of another kind.
    """
    found: set[str] = set()
    for place in places or (project.root / MANIFESTS,):
        path = place if place.exists() or place.is_absolute() else project.root / place
        resolved = project.inside(project.relative(path.absolute()))
        if resolved.is_dir():
            found |= set(_within(project, resolved))
        elif _holds_manifest(resolved):
            found.add(project.relative(resolved))
        else:
            what = "is no release manifest" if resolved.is_file() else "no such file or directory"
            raise UsageError(
                what, where=str(place), fix="name manifests, or directories that hold some"
            )
    return tuple(sorted(found))


def authored(project: Project, file: str, also: Iterable[Reference] = ()) -> Authored:
    """A manifest with what it refers to, as far as that can be read.

    Args:
        project: Where all of it is.
        file: The manifest, from the project's root.
        also: What decides about every manifest of the project.
    """
    try:
        manifest = yaml.read(project.root / file, ReleaseManifest, root=project.root).value
    except GatekeeperError:
        return Authored(file, _resolved(project, also), readable=False)
    readable = True
    found = [*_named(manifest.components, ""), *also]
    if manifest.evaluation.policy:
        found += of_policy(project, manifest.evaluation.policy)
    for name in manifest.evaluation.sets:
        found.append(Reference(name, f"eval set {name}"))
        inner = _of_set(project, name)
        readable = readable and inner is not None
        found += inner or ()
    return Authored(file, _resolved(project, found), readable)


def of_policy(project: Project, file: str) -> Iterator[Reference]:
    """A gate policy and the facts that it declares to be in a file."""
    yield Reference(file, POLICY)
    try:
        policy = read_policy(project.root / file, project).value
    except GatekeeperError:  # it decides nothing by then, and whoever evaluates is told
        return
    if isinstance(policy, GatePolicy) and policy.facts:
        yield Reference(policy.facts, f"facts of {file}")


def _within(project: Project, directory: Path) -> Iterator[str]:
    for name in walk(project, project.relative(directory)):
        if name.endswith(_ENDINGS) and _holds_manifest(directory / name):
            yield project.relative(directory / name)


def _holds_manifest(path: Path) -> bool:
    if not path.is_file() or path.stat().st_size > _LIMIT:
        return False
    return is_manifest(path.read_text(encoding="utf-8", errors="replace"))


def _named(value: Any, role: str) -> Iterator[Reference]:
    """Every reference inside a part of a manifest, with the dotted path of its key."""
    if isinstance(value, FileRef):
        yield Reference(value.file, role)
    elif isinstance(value, DirectoryRef | SnapshotSpec):
        yield Reference(value.directory, role)
    else:
        for key, inner in _children(value):
            yield from _named(inner, f"{role}.{key}".lstrip("."))


def _children(value: Any) -> Iterable[tuple[Any, Any]]:
    from pydantic import BaseModel

    if isinstance(value, BaseModel):
        return _fields(value)
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, tuple) else ()


def _fields(value: BaseModel) -> Iterable[tuple[str, Any]]:
    return ((name, getattr(value, name)) for name in type(value).model_fields)


def _of_set(project: Project, file: str) -> list[Reference] | None:
    """The samples and the scorers' code of an eval set; None where its header cannot be read."""
    try:
        header = yaml.read(project.root / file, EvalSet, root=project.root).value
    except GatekeeperError:
        return None
    code = [
        Reference(name, f"scorer of {file}")
        for scorer in header.scorers or ()
        for name in _files(scorer.settings)
    ]
    return [Reference(header.file, f"samples of {file}"), *code]


def _files(settings: Any) -> Iterator[str]:
    """What is named as `file` anywhere in a scorer's settings."""
    if isinstance(settings, dict):
        for key, value in settings.items():
            if key == "file" and isinstance(value, str):
                yield value
            else:
                yield from _files(value)
    elif isinstance(settings, list):
        for value in settings:
            yield from _files(value)


def _resolved(project: Project, references: Iterable[Reference]) -> tuple[Reference, ...]:
    """The references as written and, where a link is on the way, as git knows them too."""
    found = []
    for one in references:
        found.append(one)
        try:
            behind = project.relative(project.inside(one.path))
        except UsageError:  # it leaves the project: the build will say so
            continue
        if behind != one.path:
            found.append(Reference(behind, one.role))
    return tuple(dict.fromkeys(found))
