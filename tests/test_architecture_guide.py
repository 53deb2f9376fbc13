"""The map of the code names what there is, and the layers that the code is held to."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/gatekeeper"
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
PATH = re.compile(r"`((?:[a-z_]+/)*[a-z_]+(?:\.py|\.md)?)`")


def test_the_layers_are_those_of_the_contract() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (layers,) = [one["layers"] for one in contracts if one["type"] == "layers"]
    assert "  ->  ".join(layers).replace("gatekeeper.", "") in PAGE


def test_every_package_has_its_row() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    there = {p.stem for p in PACKAGE.iterdir() if p.is_dir() or p.suffix == ".py"}
    assert set(rows) == {name for name in there if not name.startswith("_")}


def test_every_file_that_is_named_is_there() -> None:
    named = {name for name in PATH.findall(PAGE) if "/" in name}
    assert len(named) > 25
    gone = [n for n in sorted(named) if not any((b / n).exists() for b in (ROOT, PACKAGE))]
    assert gone == []


def test_every_package_says_what_it_is_for() -> None:
    packages = [p for p in PACKAGE.rglob("*") if p.is_dir() and any(p.glob("*.py"))]
    assert len(packages) > 20
    silent = [p for p in packages if not (p / "__init__.py").read_text().startswith('"""')]
    assert silent == []
