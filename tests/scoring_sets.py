"""Builders of headers and projects for the tests of scorers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatekeeper.adapters.project import Project
from gatekeeper.model.evalset import EvalSet

if TYPE_CHECKING:
    from pathlib import Path


def header(*scorers: Any, **fields: Any) -> EvalSet:
    content = {
        "apiVersion": "gatekeeper/v1",
        "kind": "EvalSet",
        "name": "small",
        "owner": "somebody",
        "licence": "Apache-2.0",
        "split": "held_out",
        "suite": "quality",
        "file": "sets/small.jsonl",
        "scorers": list(scorers),
        **fields,
    }
    return EvalSet.model_validate(content, strict=False)


def project_at(path: Path) -> Project:
    (path / ".gatekeeper").mkdir(exist_ok=True)
    return Project.open(path)
