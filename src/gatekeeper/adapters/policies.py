"""Gate policies on disk, in any of their forms. JSON is YAML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.adapters import yaml
from gatekeeper.model.policy import AnyPolicy, GatePolicy, ReleaseGate, ReleasePromotion

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.adapters.project import Project


def read_policy(path: Path, project: Project) -> yaml.Document[AnyPolicy]:
    """The policy in a file of the project; raises `InputError` with everything wrong with it."""
    types: tuple[type[AnyPolicy], ...] = (GatePolicy, ReleaseGate, ReleasePromotion)
    return yaml.read(path, *types, root=project.root)
