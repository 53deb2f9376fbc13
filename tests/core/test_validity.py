"""The study of validity runs, and finds everything as it is stated."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_quick_study_of_shares() -> None:
    names = ("exact", "clusters", "pairs", "paired_clusters", "judged", "planned", "pilots")
    only = [word for name in names for word in ("--only", name)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.validity", "--quick", *only],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("everything is as it is stated\n")
    assert "| Wilson at n = 539, limit 0.005 | 6.7 % |" in done.stdout


def test_quick_study_of_whole_gates_and_policies() -> None:
    only = ("--only", "policies", "--only", "end_to_end", "--only", "missing")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.validity", "--quick", *only],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    assert any(line.startswith("| usd_per_resolved_request, change | ") for line in rows)
    assert any(line.startswith("| the whole policy | ") for line in rows)


def test_every_table_of_the_documentation_was_written() -> None:
    text = (ROOT / "docs/statistics.md").read_text(encoding="utf-8")
    places = re.findall(r"<!-- validity: ([a-z ]+) -->\n(.*?)<!-- end -->", text, re.DOTALL)
    assert {name for name, _ in places} >= {"exact shares", "clustered shares", "paired shares"}
    assert all(table.startswith("| ") for _, table in places)
