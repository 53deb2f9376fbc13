"""Tables in a Markdown document, each between two comments that name it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchmarks.validity.study import Table


def write(path: Path, tables: Iterable[Table]) -> None:
    """Put tables into their places.

    Raises:
        LookupError: The document has no place for a table.
    """
    text = path.read_text(encoding="utf-8")
    for table in tables:
        start, end = f"<!-- validity: {table.name} -->", "<!-- end -->"
        pattern = re.compile(f"{re.escape(start)}\n.*?{re.escape(end)}", re.DOTALL)
        if not pattern.search(text):
            raise LookupError(f"{path} has no place for the table {table.name!r}: add {start}")
        place = f"{start}\n{table.markdown()}\n{end}"
        text = pattern.sub(lambda _, place=place: place, text, count=1)
    path.write_text(text, encoding="utf-8")
