"""The rows that a service or an evaluation has written and not yet sealed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gatekeeper.adapters.records import LINES

if TYPE_CHECKING:
    from pathlib import Path


def written(directory: Path, table: str = "requests") -> list[dict[str, Any]]:
    """The rows of a table below a directory, oldest first."""
    files = sorted(directory.rglob(LINES))
    lines = (line for file in files for line in file.read_text().splitlines())
    return [row for line in lines for row in json.loads(line)[table]]
