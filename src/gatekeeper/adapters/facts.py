"""Declared facts on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.adapters import yaml
from gatekeeper.model.facts import Facts

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.adapters.project import Project


def read_facts(path: Path, project: Project) -> yaml.Document[Facts]:
    """The facts in a file of the project; raises `InputError` with everything wrong with it."""
    return yaml.read(path, Facts, root=project.root)
