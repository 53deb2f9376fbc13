"""The guide to evaluation is what happens: it is typed in, with the real model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from evaluation_guide import GUIDE, blocks, missing, renamed, runs_in, typed
from gatekeeper.cli.main import run

if TYPE_CHECKING:
    from pathlib import Path


def test_a_line_that_is_not_told_is_missed() -> None:
    told = ["run 20261126-150918-986af1", "✓ PASS  2 pass", " ✓ x  0.0%  ≤ 0.31%"]
    assert missing(["✓ PASS  3 pass", "…", " ✓ x   1.0%   ≤ 2.5%"], told) == []
    assert missing(["✗ FAIL  2 fail"], told) == ["✗ FAIL  2 fail"]
    assert missing([" ✓ x  0.0%  ≤ 0.31%", "✓ PASS  2 pass"], told) == ["✓ PASS  2 pass"]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    assert run(["init", str(tmp_path / "desk"), "--example", "support-desk"]) == 0
    monkeypatch.chdir(tmp_path / "desk")
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("GATEKEEPER_OPENAI_BASE_URL", "GATEKEEPER_MLFLOW", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    assert run(["build", "manifests/support-desk-v1.yaml"]) == 0
    return tmp_path / "desk"


def test_the_guide_shows_what_happens(
    desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    policy = re.search(r"^\$ cat (\S+)\n(.*?)^\$", text, re.DOTALL | re.MULTILINE)
    assert policy
    (desk / policy[1]).write_text(policy[2], encoding="utf-8")
    known: dict[str, str] = {}
    parts = [part for block in blocks(text) for part in block]
    assert len(parts) >= 20
    for command, shown in parts:
        told = typed(renamed(command, known), capsys, monkeypatch)
        assert missing(shown, told) == [], "\n".join([f"$ {command}", *told])
        assert exits(shown) == exits(told), command
        new = [one for one in runs_in(told) if one not in known.values()]
        known |= dict(zip([one for one in runs_in(shown) if one not in known], new, strict=False))


def exits(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("(exit ")]
