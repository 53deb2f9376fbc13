"""The guide to attribution is what happens: it is typed in, with the real model."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from evaluation_guide import blocks, missing, renamed, runs_in, typed
from gatekeeper.cli.main import run

GUIDE = Path(__file__).parents[1] / "docs/attribution.md"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    assert run(["init", str(tmp_path / "desk"), "--example", "support-desk"]) == 0
    monkeypatch.chdir(tmp_path / "desk")
    monkeypatch.setenv("COLUMNS", "95")
    for name in ("GATEKEEPER_OPENAI_BASE_URL", "GATEKEEPER_MLFLOW", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    for version in (1, 2):
        assert run(["build", f"manifests/support-desk-v{version}.yaml"]) == 0
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
    assert len(parts) >= 12
    for command, shown in parts:
        if command.startswith("sed "):
            *words, _, target = shlex.split(command)
            with (desk / target).open("wb") as file:
                subprocess.run(words, check=True, stdout=file)
            continue
        told = typed(renamed(command, known), capsys, monkeypatch)
        assert missing(shown, told) == [], "\n".join([f"$ {command}", *told])
        assert exits(shown) == exits(told), command
        new = [one for one in runs_in(told) if one not in known.values()]
        known |= dict(zip([one for one in runs_in(shown) if one not in known], new, strict=False))


def exits(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("(exit ")]
