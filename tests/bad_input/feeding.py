"""Feed a file to gatekeeper as a person would, and see that nothing but a message comes of it."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.adapters.project import Project
from gatekeeper.cli.boundary import guarded
from gatekeeper.cli.main import run
from gatekeeper.model import kinds

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

FIXTURES = Path(__file__).parent / "fixtures"
MAX_SECONDS = 2 if sys.gettrace() is None else 20
"""Tracing for coverage takes its time."""
PLACES = {
    "manifest": "manifests/case.yaml",
    "environment": "manifests/environments/case.yaml",
    "prices": "gates/case.yaml",
    "policy": "gates/case.yaml",
    "evalset": "eval_sets/case.yaml",
}


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str
    seconds: float
    """Of processor time, so that a busy machine is not taken for a hang."""


def feed(kind: str, root: Path, capture: pytest.CaptureFixture[str]) -> Answer:
    """What reading `PLACES[kind]` of the project at `root` comes to."""
    if kind == "manifest":
        return call(["build", str(root / PLACES[kind]), "--project", str(root)], capture)
    return guard(lambda: read(kind, root), [], capture)


def call(arguments: list[str], capture: pytest.CaptureFixture[str]) -> Answer:
    """A verb, as the console script runs it."""
    return guard(lambda: run(arguments), arguments, capture)


def guard(
    action: Callable[[], int], arguments: list[str], capture: pytest.CaptureFixture[str]
) -> Answer:
    started = time.process_time()
    code = guarded(action, arguments)
    seconds = time.process_time() - started
    captured = capture.readouterr()
    return Answer(code, captured.out, captured.err, seconds)


def read(kind: str, root: Path) -> int:
    """A document of `kind`, by the function that the verbs read it with."""
    from gatekeeper.adapters import evalsets, policies, yaml

    project, path = Project.open(root), root / PLACES[kind]
    if kind == "policy":
        policies.read_policy(path, project)
    elif kind == "evalset":
        evalsets.open_set(project, path)
    else:
        yaml.read(path, kinds.type_of(kinds.SHORT[kind]), root=root)
    return 0


def fingerprint(root: Path) -> dict[str, str]:
    """Every path of a project with what it is: a digest, a link's target, a directory."""
    found = {}
    for directory, names, files in os.walk(root):
        for name in [*names, *files]:
            path = Path(directory) / name
            found[str(path.relative_to(root))] = _state(path)
    return found


def _state(path: Path) -> str:
    if path.is_symlink():
        return f"link to {path.readlink()}"
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return "directory" if path.is_dir() else "other"
