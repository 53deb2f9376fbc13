"""What a manifest refers to, read from the project and the model caches of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatekeeper.adapters import yaml
from gatekeeper.adapters.files import read_bytes, read_text, walk
from gatekeeper.adapters.text import decode
from gatekeeper.model.manifest import DirectoryRef

if TYPE_CHECKING:
    from gatekeeper.adapters.models import ModelLibrary
    from gatekeeper.adapters.project import Project
    from gatekeeper.adapters.yaml import Document
    from gatekeeper.model.manifest import ModelSource
    from gatekeeper.ports import FoundModel


class ProjectSources:
    """The `Sources` port over one project; every path is relative to its root.

    Args:
        project: Whose files are read.
        models: Finds models.
        home: Of the models, where `project` is an earlier state of it, kept inside.
    """

    def __init__(self, project: Project, models: ModelLibrary, home: Project | None = None) -> None:
        self._project = project
        self._models = models
        self._home = home or project

    def text(self, file: str) -> str:
        """A text file of the project."""
        return read_text(self._project, file)

    def value(self, file: str, kind: Any) -> Document[Any]:
        """A YAML or JSON file of the project, as a type."""
        return yaml.read(self._project.inside(file), kind, root=self._project.root)

    def snapshot(self, directory: str) -> dict[str, bytes]:
        """The documents below a directory: clean UTF-8 text; hidden files are left out."""
        root = self._project.inside(directory)
        found = {}
        for name in walk(self._project, directory):
            if not any(part.startswith(".") for part in name.split("/")):
                data = read_bytes(self._project, name, relative_to=root)
                decode(data, f"{directory}/{name}")
                found[name] = data
        return found

    def model(self, source: ModelSource) -> FoundModel:
        """A model, every file hashed."""
        if isinstance(source, DirectoryRef) and self._home is not self._project:
            then = self._project.inside(source.directory)
            if then.is_dir():  # what git does not hold is where it is now
                source = DirectoryRef(directory=self._home.relative(then))
        return self._models.find(source)
