"""Declared facts on disk."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gatekeeper.adapters import yaml
from gatekeeper.model.facts import Facts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic import JsonValue

    from gatekeeper.adapters.project import Project


def read_facts(path: Path, project: Project) -> yaml.Document[Facts]:
    """The facts in a file of the project; raises `InputError` with everything wrong with it."""
    return yaml.read(path, Facts, root=project.root)


def facts_in(document: Mapping[str, JsonValue], where: str) -> Facts:
    """The facts that a verdict holds; raises `InputError` where this version cannot read them."""
    return yaml.check(yaml.parse(json.dumps(document).encode(), where), Facts).value
