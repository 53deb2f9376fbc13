"""What a manifest refers to, read from the project and the model caches of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatekeeper.adapters import yaml
from gatekeeper.adapters.files import read_bytes, read_text, walk
from gatekeeper.adapters.text import decode

if TYPE_CHECKING:
    from gatekeeper.adapters.models import ModelLibrary
    from gatekeeper.adapters.project import Project
    from gatekeeper.adapters.yaml import Document
    from gatekeeper.model.manifest import ModelSource
    from gatekeeper.ports import FoundModel


class ProjectSources:
    """The `Sources` port over one project; every path is relative to its root."""

    def __init__(self, project: Project, models: ModelLibrary) -> None:
        self._project = project
        self._models = models

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
        return self._models.find(source)
