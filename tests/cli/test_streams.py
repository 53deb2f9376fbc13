"""The command with streams that are closed, or that nobody reads."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
from typing import TYPE_CHECKING

import pytest

from builders import make_project, manifest, write_manifest

if TYPE_CHECKING:
    from pathlib import Path

GATEKEEPER = [sys.executable, "-m", "gatekeeper"]
COLUMNS = """
from pathlib import Path
from gatekeeper.cli.session import Output, Session
from gatekeeper.cli.streams import prepare
prepare()
print(Session(Path(), Output.text).columns)
"""
CLOSING = "import os,sys; os.close({}); os.execv(sys.executable, sys.argv[1:])"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_project(tmp_path_factory.mktemp("streams"), keys=True)
    write_manifest(root, manifest())
    return root


def deaf(words: list[str], stream: str) -> subprocess.CompletedProcess[str]:
    """Run with a stream whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    others = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: writing}
    try:
        return subprocess.run([*GATEKEEPER, *words], check=False, text=True, **others)  # type: ignore[call-overload, no-any-return]
    finally:
        os.close(writing)


def test_text_that_nobody_reads_is_no_negative_verdict(project: Path) -> None:
    done = deaf(["list", "--project", str(project)], "stdout")
    assert (done.returncode, done.stderr) == (3, "")


def test_work_goes_on_where_nobody_reads_its_notes(project: Path) -> None:
    words = ["build", "manifests/desk-v1.yaml", "--project", str(project), "--output", "json"]
    done = deaf(words, "stderr")
    assert (done.returncode, '"digest"' in done.stdout) == (0, True)
    assert deaf(["build", "nothing.yaml", "--project", str(project)], "stderr").returncode == 2


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_closed_stream_is_no_crash(project: Path, number: int) -> None:
    words = ["build", "manifests/desk-v1.yaml", "--project", str(project)]
    done = subprocess.run(
        [sys.executable, "-c", CLOSING.format(number), *GATEKEEPER, *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "crash" in done.stderr) == (0, False), done.stderr
    assert ("desk" in done.stdout) == (number != 1)


def test_a_terminal_is_as_wide_as_it_is() -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (50, 137))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    subprocess.run(
        [sys.executable, "-c", COLUMNS], stdin=theirs, stdout=theirs, check=True, env=environment
    )
    assert os.read(ours, 100).decode().strip() == "137"
    os.close(theirs)
    os.close(ours)
