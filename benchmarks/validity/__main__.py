"""Every study of validity: prints its tables, and says what is not as it is stated.

    python -m benchmarks.validity                 minutes on two cores
    python -m benchmarks.validity --quick         seconds: few draws, wide errors
    python -m benchmarks.validity --write         also into docs/statistics.md

Random numbers have fixed seeds, so the tables are the same on every machine.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.validity import document

if TYPE_CHECKING:
    from benchmarks.validity.study import Table

STUDIES = (
    "exact",
    "clusters",
    "pairs",
    "paired_clusters",
    "judged",
    "planned",
    "pilots",
    "heavy",
    "missing",
    "scores",
    "queues",
    "queue_changes",
    "sizes",
    "policies",
    "end_to_end",
)
"""Modules of this package: each has `tables(*, quick)`."""
DOCUMENT = Path(__file__).resolve().parents[2] / "docs/statistics.md"


def main() -> int:
    """Run, print, and write where that is asked for; 1 where something is not as stated."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few draws, for a smoke test")
    parser.add_argument("--write", action="store_true", help=f"tables into {DOCUMENT.name}")
    parser.add_argument("--only", choices=STUDIES, action="append", help="a study")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    with ProcessPoolExecutor(arguments.processes) as pool:
        studies = pool.map(partial(run, quick=arguments.quick), arguments.only or STUDIES)
        tables = [table for found in studies for table in shown(*found)]
    if arguments.write:
        document.write(DOCUMENT, tables)
    broken = [line for table in tables for line in table.broken]
    print("\n".join(broken) or "everything is as it is stated")
    return int(bool(broken))


def run(name: str, *, quick: bool) -> tuple[str, float, tuple[Table, ...]]:
    """One study: its name, the seconds that it took, and its tables."""
    start = time.perf_counter()
    module = importlib.import_module(f"benchmarks.validity.{name}")
    tables: tuple[Table, ...] = module.tables(quick=quick)
    return name, time.perf_counter() - start, tables


def shown(name: str, seconds: float, tables: tuple[Table, ...]) -> tuple[Table, ...]:
    """Print what a study found."""
    for table in tables:
        print(f"\n== {name}: {table.name} ({seconds:.0f} s)\n\n{table.markdown()}", flush=True)
    return tables


if __name__ == "__main__":
    sys.exit(main())
