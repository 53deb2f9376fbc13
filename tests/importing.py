"""Importing result files as a person does, and looking at what came of it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatekeeper.adapters.project import Project
from gatekeeper.adapters.runs import read_run
from gatekeeper.adapters.tables import open_tables
from gatekeeper.cli.main import run as command

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from gatekeeper.model.run import Run

FIXTURES = Path(__file__).parent / "adapters/importers/fixtures"


@dataclass(frozen=True)
class Desk:
    """A project to import into."""

    root: Path
    capsys: pytest.CaptureFixture[str]

    def load(self, file: Path | str, *arguments: str) -> Imported:
        """Import a file, by name below the fixtures or by path."""
        path = FIXTURES / file if isinstance(file, str) else file
        self.capsys.readouterr()
        code = command(
            ["runs", "import", str(path), *arguments, "-o", "json", "--project", str(self.root)]
        )
        assert code == 0
        return Imported(self, json.loads(self.capsys.readouterr().out)["run"])

    def policy(self, **sections: dict[str, float]) -> str:
        """A policy file of short forms."""
        path = self.root / "gate.json"
        path.write_text(json.dumps({"release_gate": sections}))
        return str(path)


@dataclass(frozen=True)
class Imported:
    """A run that was imported."""

    desk: Desk
    id: str

    @property
    def directory(self) -> Path:
        return Project.open(self.desk.root).runs / self.id

    @property
    def run(self) -> Run:
        return read_run(self.directory)

    @contextmanager
    def tables(self) -> Iterator[Any]:
        with open_tables(self.directory, self.run) as connection:
            yield connection

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.tables() as connection:
            return connection.execute(sql).fetchall()

    def gate(self, **sections: dict[str, float]) -> dict[str, Any]:
        """The verdict of short forms, with its exit code under `exit`."""
        policy = self.desk.policy(**sections)
        self.desk.capsys.readouterr()
        arguments = ["gate", self.id, "--policy", policy, "--no-record", "-o", "json"]
        code = command([*arguments, "--project", str(self.desk.root)])
        return json.loads(self.desk.capsys.readouterr().out) | {"exit": code}


def make_desk(directory: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    root = directory / "project"
    (root / ".gatekeeper").mkdir(parents=True)
    return Desk(root, capsys)
