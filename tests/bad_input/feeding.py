"""Feed a file to gatekeeper as a person would, and see that nothing but a message comes of it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import time
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from builders import make_project, manifest, write, write_manifest
from gatekeeper.cli.boundary import guarded
from gatekeeper.cli.main import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

FIXTURES = Path(__file__).parent / "fixtures"
MAX_SECONDS = 2 if sys.gettrace() is None else 20
"""Tracing for coverage takes its time."""

PLACES = {
    "manifest": "manifests/case.yaml",
    "environment": "manifests/environments/case.yaml",
    "prices": "gates/prices.yaml",
    "policy": "gates/case.yaml",
    "evalset": "eval_sets/case.yaml",
    "samples": "eval_sets/case.jsonl",
}
"""Where a kind of file stands in the project that is fed."""
_GOOD = {
    "gates/prices.yaml": """\
apiVersion: gatekeeper/v1
kind: PriceBook
currency: USD
effective: 2026-11-01
models:
  small: {input_usd_per_million: 1, cached_input_usd_per_million: 1, output_usd_per_million: 1}
""",
    "gates/case.yaml": """\
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: case, owner: quality, effective: 2026-11-01}
sections:
  quality: {owner: quality, resolved_rate_min: 0.5}
""",
    "eval_sets/case.yaml": """\
apiVersion: gatekeeper/v1
kind: EvalSet
name: case
owner: quality
licence: CC0-1.0
split: held-out
suite: quality
file: eval_sets/case.jsonl
scorers: [exact]
""",
    "eval_sets/case.jsonl": '{"id": "a", "input": "Hello?", "expect": {"exact": "Hello."}}\n',
    "manifests/environments/local.yaml": """\
apiVersion: gatekeeper/v1
kind: Environment
name: local
accepts_development_keys: true
""",
}


@dataclass(frozen=True)
class Answer:
    """What came of a command; `seconds` are of processor time: a busy machine is no hang."""

    code: int
    out: str
    err: str
    seconds: float


@dataclass(frozen=True)
class Kitchen:
    """A sound project with a built release, in which one file at a time goes bad."""

    root: Path
    release: str

    def command(self, kind: str) -> list[str]:
        """The verb that reads a kind of file first."""
        verb = {
            "manifest": ["build", str(self.root / PLACES["manifest"])],
            "environment": ["status", "--env", "case"],
            "policy": ["evaluate", self.release, "--policy", str(self.root / PLACES["policy"])],
        }
        return [*verb.get(kind, ["evaluate", self.release]), "--project", str(self.root)]

    @contextmanager
    def served(self, kind: str, data: bytes) -> Iterator[None]:
        """The project while `data` stands in the place of its kind."""
        path = self.root / PLACES[kind]
        before = path.read_bytes() if path.exists() else None
        path.write_bytes(data)
        try:
            yield
        finally:
            if before is None:
                path.unlink()
            else:
                path.write_bytes(before)


def open_kitchen(directory: Path) -> Kitchen:
    """Make the project, with keys, and build its release."""
    root = make_project(directory, keys=True)
    for place, text in _GOOD.items():
        write(root / place, text)
    content = manifest()
    content["evaluation"] = {"policy": "gates/case.yaml", "sets": ["eval_sets/case.yaml"]}
    path = write_manifest(root, content)
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(io.StringIO()):
        assert run(["build", str(path), "--project", str(root), "-o", "json"]) == 0
    return Kitchen(root, json.loads(printed.getvalue())["digest"])


def call(arguments: list[str], capture: pytest.CaptureFixture[str]) -> Answer:
    """A verb, as the console script runs it."""
    capture.readouterr()
    started = time.process_time()
    code = guarded(lambda: run(arguments), arguments)
    seconds = time.process_time() - started
    captured = capture.readouterr()
    return Answer(code, captured.out, captured.err, seconds)


def fingerprint(root: Path) -> dict[str, str]:
    """Every path of a project but its cache with what it is: a digest, a link, a directory.

    The cache holds only what can be lost and found again.
    """
    found = {}
    for directory, names, files in os.walk(root):
        names[:] = [
            name for name in names if not directory.endswith("/.gatekeeper") or name != "cache"
        ]
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
