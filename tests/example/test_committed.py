"""Generators write what differs, take back what is no longer made, and check without writing."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOUND = {"kept/a.md": "a\n", "kept/b/c.md": "c\n", "set.jsonl": "{}\n"}


@pytest.fixture
def committed(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "eval_sets")
    import committed

    return committed


def test_what_differs_is_written_once(committed, tmp_path, monkeypatch, capsys):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/old.md").write_text("no longer made")
    (tmp_path / "kept/a.md").write_text("a\n")
    (tmp_path / "mine.md").write_text("nobody generates this")
    wrong = ["kept/b/c.md", "kept/old.md", "set.jsonl"]

    monkeypatch.setattr(sys, "argv", ["generate.py", "--check"])
    assert committed.carry_out(tmp_path, "kept", FOUND, None) == 1
    assert capsys.readouterr().out.split() == wrong
    assert not (tmp_path / "set.jsonl").exists()

    monkeypatch.setattr(sys, "argv", ["generate.py"])
    assert committed.carry_out(tmp_path, "kept", FOUND, None) == 0
    assert capsys.readouterr().out == "3 files changed\n"
    there = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert there == {*FOUND, "mine.md"}

    monkeypatch.setattr(sys, "argv", ["generate.py", "--check"])
    assert committed.carry_out(tmp_path, "kept", FOUND, None) == 0
    assert capsys.readouterr().out == "up to date\n"
