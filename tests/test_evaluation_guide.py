"""The guide to evaluation is what happens: it is typed in, with the real model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guides import DOCS, make_desk, missing, type_in

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_line_that_is_not_told_is_missed() -> None:
    told = ["run 20261126-150918-986af1", "✓ PASS  2 pass", " ✓ x  0.0%  ≤ 0.31%"]
    assert missing(["✓ PASS  3 pass", "…", " ✓ x   1.0%   ≤ 2.5%"], told) == []
    assert missing(["✗ FAIL  2 fail"], told) == ["✗ FAIL  2 fail"]
    assert missing([" ✓ x  0.0%  ≤ 0.31%", "✓ PASS  2 pass"], told) == ["✓ PASS  2 pass"]


def test_the_guide_shows_what_happens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_desk(tmp_path / "desk", monkeypatch, 100, 1)
    text = (DOCS / "evaluation.md").read_text(encoding="utf-8")
    assert type_in(text, capsys, monkeypatch) >= 20
