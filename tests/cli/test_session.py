"""Answers on stdout, notes and progress on stderr, styles only on terminals."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from gatekeeper.cli.progress import LiveProgress, PlainProgress, progress_for
from gatekeeper.cli.session import Output, Session
from gatekeeper.errors import UsageError


def session(output: Output = Output.text) -> Session:
    return Session(Path(), output)


def test_one_document_on_stdout_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    session(Output.json).emit({"a": "ü [bold]", "b": [1]}, "[red]text[/red]")
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"a": "ü [bold]", "b": [1]}
    assert "ü" in captured.out
    assert captured.err == ""


def test_plain_text_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    long = "word " * 100
    session().emit({}, f"[red]no[/red] {long}:smile: 12")
    session(Output.json).note("[dim]aside[/dim]")
    captured = capsys.readouterr()
    assert captured.out == f"no {long}:smile: 12\n"
    assert captured.err == "aside\n"


def test_the_project_is_opened_when_it_is_needed(tmp_path: Path) -> None:
    found = Session(tmp_path, Output.text)
    with pytest.raises(UsageError, match="no gatekeeper project here"):
        _ = found.project
    (tmp_path / ".gatekeeper").mkdir()
    assert found.project.root == tmp_path.resolve()


def on_terminal(code: str, **environment: str) -> str:
    """What Python code prints on a terminal, stdout and stderr together."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", **environment},
    )
    os.close(terminal)
    printed = b""
    while True:
        try:
            piece = os.read(controller, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        printed += piece
    os.close(controller)
    process.wait()
    return printed.decode()


SHOW = "from gatekeeper.cli.session import show; show('[red]no[/red]', error=False)"


def test_styles_on_a_terminal_unless_they_are_unwanted() -> None:
    assert "\x1b[31mno" in on_terminal(SHOW)
    assert on_terminal(SHOW, NO_COLOR="1").strip() == "no"
    assert on_terminal(SHOW, TERM="dumb").strip() == "no"


def test_plain_progress_speaks_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    progress = session().progress()
    assert isinstance(progress, PlainProgress)
    progress.start("hash", 3)
    progress.advance("hash")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("gatekeeper.cli.progress.PLAIN_INTERVAL", 0.0)
    progress.advance("hash")
    progress.start("read")
    progress.advance("read", 5)
    progress.finish("read", "5 files")
    progress.finish("hash")
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["hash: 2/3", "read: 5", "read: 5 files", "hash: done"]


PROGRESS = """
import sys
from gatekeeper.cli.progress import progress_for
progress = progress_for(sys.stderr)
progress.start("hash", 2)
progress.start("read")
progress.advance("hash")
progress.finish("hash", "2 files")
{rest}
"""


def test_live_progress_leaves_only_its_notes() -> None:
    printed = on_terminal(PROGRESS.format(rest="progress.finish('read')"))
    assert "hash" in printed
    assert "2 files" in printed
    assert printed.rindex("\x1b[?25h") > printed.rindex("\x1b[?25l")


def test_a_task_that_never_ends_does_not_hide_the_cursor() -> None:
    printed = on_terminal(PROGRESS.format(rest="sys.exit(3)"))
    assert printed.rindex("\x1b[?25h") > printed.rindex("\x1b[?25l")


def test_live_on_a_terminal_only(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as file:
        assert isinstance(progress_for(file), PlainProgress)
    controller, terminal = pty.openpty()
    with os.fdopen(terminal, "w") as stream:
        assert isinstance(progress_for(stream), LiveProgress)
    os.close(controller)
