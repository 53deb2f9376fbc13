"""The guide to attribution is what happens: it is typed in, with the real model."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from guides import DOCS, make_desk, type_in

if TYPE_CHECKING:
    import pytest


def test_the_guide_shows_what_happens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_desk(tmp_path / "desk", monkeypatch, 95, 1, 2)
    text = (DOCS / "attribution.md").read_text(encoding="utf-8")
    assert type_in(text, capsys, monkeypatch, edited) >= 12


def edited(command: str) -> bool:
    """Carry out an edit that the guide makes with `sed`."""
    if not command.startswith("sed "):
        return False
    *words, _, target = shlex.split(command)
    with Path(target).open("wb") as file:
        subprocess.run(words, check=True, stdout=file)
    return True
