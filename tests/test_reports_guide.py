"""The guide to reports shows what is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gatekeeper.cli.reports import FORMATS

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs/reports.md").read_text(encoding="utf-8")
WRITTEN = [path.read_text("utf-8") for path in sorted(ROOT.glob("tests/golden/reports/every.*"))]
BLOCKS = re.findall(r"```(?:text|xml|json)\n(.*?)```", GUIDE, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
def test_an_example_is_part_of_a_report(block: str) -> None:
    assert any(block.rstrip("\n") in text for text in WRITTEN)


def test_the_guide_has_every_format() -> None:
    assert tuple(re.findall(r"^\| `(\w+)`", GUIDE, re.MULTILINE)) == (
        *FORMATS[:5],
        *FORMATS[6:],
        FORMATS[5],
    )
