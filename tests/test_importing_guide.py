"""The guide to importing, typed in: every command gives the output that is pasted beside it."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.cli import boundary
from gatekeeper.cli.main import run
from importing import FIXTURES

if TYPE_CHECKING:
    import pytest

GUIDE = Path(__file__).parents[1] / "docs/importing.md"
BLOCK = re.compile(r"(?<=```console\n)(.*?)(?=```)", re.DOTALL)
RUN = re.compile(r"\b\d{8}-\d{6}-[0-9a-f]{6}\b")
GATES = {
    "gate.json": {"quality": {"resolved_rate_min": 0.3}},
    "safety.json": {"security": {"policy_violation_rate_max": 0.01}},
}


def session(text: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The block as it would look if it were typed here and now."""
    shown: list[str] = []
    known = ""
    for command in re.findall(r"^\$ (.*)$", text, re.MULTILINE):
        shown.append(f"$ {command}")
        words = command.replace("RUN", known).split()
        if words[0] == "cat":
            shown.append(Path(words[1]).read_text().rstrip())
            continue
        capsys.readouterr()
        code = boundary.guarded(lambda words=words: run(words[1:]), words[1:])
        captured = capsys.readouterr()
        output = captured.out + captured.err
        known = found[0] if (found := RUN.search(output)) and words[1] == "runs" else known
        shown.append(output.rstrip())
        if code:
            shown.append(f"(exit {code})")
    return "\n".join(shown) + "\n"


def files(directory: Path) -> None:
    """Put the results where the guide has them, with the times that they were written at."""
    for path in FIXTURES.glob("*/*"):
        shutil.copy(path, directory)
    for block in BLOCK.findall(GUIDE.read_text()):
        for name, content in re.findall(r"\$ cat (\S+)\n((?:\{.*\n)+)", block):
            (directory / name).write_text(content)
    for name, sections in GATES.items():
        (directory / name).write_text(json.dumps({"release_gate": sections}))


def test_the_guide_shows_what_happens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files(tmp_path)
    (tmp_path / ".gatekeeper").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    time.tzset()
    text = GUIDE.read_text()
    typed = BLOCK.sub(lambda block: session(block[0], capsys), text)
    if os.environ.get("GOLDEN"):
        GUIDE.write_text(typed)
        text = typed
    assert RUN.sub("RUN-ID", typed) == RUN.sub("RUN-ID", text)
