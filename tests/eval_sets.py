"""Shared builders: an eval set in any format, in a project of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from gatekeeper.adapters.evalsets import open_set
from gatekeeper.adapters.project import Project

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.adapters.evalsets import LoadedSet

HEADER: dict[str, Any] = {
    "apiVersion": "gatekeeper/v1",
    "kind": "EvalSet",
    "name": "bring-your-own",
    "owner": "somebody",
    "licence": "CC0-1.0",
    "split": "test",
    "suite": "quality",
    "scorers": ["exact"],
}


@dataclass(frozen=True)
class Desk:
    """A project that holds one eval set at a time."""

    project: Project

    @property
    def root(self) -> Path:
        """The project's root."""
        return self.project.root

    def put(self, file: str, data: bytes | str) -> Path:
        """A file of the project."""
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def parquet(self, file: str, query: str) -> Path:
        """A Parquet file with what a query of DuckDB gives."""
        path = self.put(file, "")
        duckdb.connect().execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
        return path

    def header(self, **keys: Any) -> Path:
        """The set's header, one key a line in the order given."""
        lines = [f"{key}: {json.dumps(value)}" for key, value in {**HEADER, **keys}.items()]
        return self.put("sets/set.yaml", "\n".join(lines) + "\n")

    def open(self, **keys: Any) -> LoadedSet:
        """The set, with these keys in its header."""
        return open_set(self.project, self.header(**keys))


def new_desk(directory: Path) -> Desk:
    """An empty project."""
    (directory / ".gatekeeper").mkdir()
    return Desk(Project.open(directory))
