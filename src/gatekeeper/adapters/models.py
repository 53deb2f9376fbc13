"""Models on this machine: found by where they are said to be, identified by their content."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatekeeper.adapters.files import read_regular, walk
from gatekeeper.core.canonical import canonical, digest
from gatekeeper.errors import InputError, IntegrityError, Problem, UnavailableError, UsageError
from gatekeeper.model.components import FileDigest
from gatekeeper.model.manifest import DirectoryRef, EndpointRef, HuggingFaceRef
from gatekeeper.ports import FoundModel, ModelFiles

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gatekeeper.adapters.hashing import FileHasher
    from gatekeeper.adapters.project import Project
    from gatekeeper.model.manifest import ModelSource

HUB = "hf:"
ENDPOINT = "endpoint:"
CONFIG_LIMIT = 1 << 20


class ModelLibrary:
    """Finds models and proves that they are what a release says.

    Part of a model are all regular files below its directory except README files and whatever is
    hidden (a name that begins with a dot, `.cache` among them).
    """

    def __init__(
        self, project: Project, hasher: FileHasher, environment: Mapping[str, str] | None = None
    ) -> None:
        self._project = project
        self._hasher = hasher
        self._environment = os.environ if environment is None else environment

    def find(self, source: ModelSource) -> FoundModel:
        """The model of a manifest's source, every file hashed.

        Raises:
            UsageError: It is not there.
            UnavailableError: It is in a place that cannot be read yet.
        """
        if isinstance(source, EndpointRef):
            return FoundModel(ENDPOINT + source.endpoint)
        if isinstance(source, DirectoryRef):
            location = self._project.relative(self._project.inside(source.directory))
        elif isinstance(source, HuggingFaceRef):
            location = f"{HUB}{source.repo}@{source.revision}"
        else:
            raise UnavailableError(
                "models in OCI layouts cannot be read yet",
                where=source.oci,
                fix="unpack it into a directory of the project and name that",
            )
        root = self.root(location)
        files = self.files(root)
        if not files:
            raise UsageError("holds no model files", where=location, fix="put the model there")
        return FoundModel(location, root, files, _config(root, location))

    def root(self, location: str) -> Path:
        """The directory that a build record's location means on this machine."""
        if location.startswith(ENDPOINT):
            raise UsageError("a hosted model has no files", where=location)
        if location.startswith(HUB):
            return self._snapshot(*location.removeprefix(HUB).rsplit("@", 1))
        return self._project.inside(location)

    def _snapshot(self, repo: str, revision: str) -> Path:
        name = "models--" + repo.replace("/", "--")
        root = self._hub() / name / "snapshots" / revision
        if not root.is_dir():
            raise UsageError(
                f"{repo} at {revision[:12]} is not in the Hugging Face cache",
                where=str(root),
                fix=f"fetch it first: `hf download {repo} --revision {revision}`",
            )
        return root

    def _hub(self) -> Path:
        settings = self._environment
        if hub := settings.get("HF_HUB_CACHE"):
            return Path(hub)
        home = settings.get("HF_HOME") or f"{settings.get('HOME', '~')}/.cache/huggingface"
        return Path(home).expanduser() / "hub"

    def files(self, root: Path) -> tuple[FileDigest, ...]:
        """Size and sha256 of every file that is part of the model, sorted by path."""
        names = [name for name in self._names(root) if belongs(name)]
        digests = self._hasher.digests([root / name for name in names])
        return tuple(
            FileDigest(path=name, size=size, sha256=value)
            for name in names
            for size, value in [digests[root / name]]
        )

    def _names(self, root: Path) -> Sequence[str]:
        if root.is_relative_to(self._project.root):
            return walk(self._project, root.relative_to(self._project.root))
        return sorted(_hub_files(root))

    def admit(self, name: str, files: Iterable[FileDigest], location: str) -> ModelFiles:
        """The files of a model, each shown to be the one that a release pins.

        Raises:
            IntegrityError: A file is missing or differs; it names every such file.
        """
        wanted = {file.path: file for file in files}
        root = self.root(location)
        there = [path for path in wanted if (root / path).is_file()]
        digests = self._hasher.digests([root / path for path in there])
        faults = [f"{path} is missing" for path in wanted if path not in there]
        faults += [
            f"{path} has been altered"
            for path in there
            if digests[root / path] != (wanted[path].size, wanted[path].sha256)
        ]
        if faults:
            raise IntegrityError(
                f"model {name!r} is not the one that was released: {', '.join(sorted(faults))}",
                where=location,
                fix="restore the model's files, or build and validate a new release",
            )
        return ModelFiles(
            root=root,
            digest=digest(canonical([file.model_dump() for file in wanted.values()])),
            files={path: file.sha256 for path, file in wanted.items()},
        )


def belongs(path: str) -> bool:
    """Whether a file below a model's directory is part of the model."""
    parts = path.split("/")
    hidden = any(part.startswith(".") for part in parts)
    return not hidden and parts[-1].partition(".")[0].upper() != "README"


def _hub_files(root: Path) -> Iterable[str]:
    """Files of a snapshot in the Hugging Face cache, whose links lead to `blobs` beside it."""
    repository = root.parent.parent.resolve()
    for directory, _, names in os.walk(root):
        for name in names:
            path = Path(directory) / name
            if not path.resolve().is_relative_to(repository):
                raise UsageError("is a link that leaves its repository", where=str(path))
            yield path.relative_to(root).as_posix()


def _config(root: Path, location: str) -> Mapping[str, Any]:
    path = root / "config.json"
    if not path.is_file():
        return {}
    name = f"{location}/config.json"
    try:
        content = json.loads(read_regular(path.resolve(), name, CONFIG_LIMIT))
    except ValueError as error:
        raise InputError([Problem(f"is not JSON: {error}", file=name)]) from error
    if not isinstance(content, dict):
        raise InputError([Problem("is not a JSON object", file=name)])
    return content
