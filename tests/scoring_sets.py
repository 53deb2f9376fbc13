"""Builders of headers and projects for the tests of scorers."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatekeeper.adapters.project import Project
from gatekeeper.model.evalset import EvalSet

if TYPE_CHECKING:
    import pytest

EXAMPLE = Path(__file__).parents[1] / "docs/examples/scorer-plugin"


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


def mine(function: str, **more: Any) -> dict[str, Any]:
    """A scorer of the project itself, as an eval set names it."""
    return {"scorer": "python", "file": "scorers/mine.py", "function": function, **more}


def install_example(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the package of the documentation for one test."""
    source, target = directory / "package", directory / "site"
    shutil.copytree(EXAMPLE, source)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--target", str(target)]
    subprocess.run([*pip, *options, str(source)], check=True)
    monkeypatch.syspath_prepend(target)
