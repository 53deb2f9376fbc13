"""Guides typed in: their commands, and what of their output is the same everywhere."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.cli import boundary
from gatekeeper.cli.main import run

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

DOCS = Path(__file__).parents[1] / "docs"
LEFT_OUT = "…"
_BLOCK = re.compile(r"(?<=^```console\n)(.*?)(?=^```$)", re.DOTALL | re.MULTILINE)
_RUN = re.compile(r"\b\d{8}-\d{6}-[0-9a-f]{6}\b")
_DIGEST = re.compile(r"(?<=sha256:)[0-9a-f]+")
_SHOWN_FILE = re.compile(r"^\$ cat (\S+)\n(.*?)^\$", re.DOTALL | re.MULTILINE)
_VARIES = re.compile(r"[\d.,:]*\d(?:e-\d+)?")


def blocks(text: str) -> list[list[tuple[str, list[str]]]]:
    """Each block of the guide: commands, and the lines that are shown below them."""
    found = []
    for block in _BLOCK.findall(text):
        parts = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)[1:]
        found.append(
            [
                (command, shown.splitlines())
                for command, shown in zip(parts[::2], parts[1::2], strict=True)
            ]
        )
    return found


def typed(command: str, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> list[str]:
    """What a command prints on both streams, and its exit code where that is not 0."""
    words = shlex.split(command)
    if words[0] == "cat":
        return Path(words[1]).read_text(encoding="utf-8").splitlines()
    with patch.context() as context:
        while "=" in words[0]:
            context.setenv(*words.pop(0).split("=", 1))
        capsys.readouterr()
        code = boundary.guarded(lambda: run(words[1:]), words[1:])
    told = capsys.readouterr()
    lines = (told.err + told.out).rstrip().splitlines()
    return [*lines, *([f"(exit {code})"] if code else [])]


def runs_in(lines: list[str]) -> list[str]:
    """The runs that are named, each once."""
    return list(dict.fromkeys(_RUN.findall("\n".join(lines))))


def steady(line: str) -> str:
    """A line without what differs from machine to machine: numbers, and the room they take."""
    plain = _VARIES.sub("#", _DIGEST.sub("", _RUN.sub("RUN", line)))
    return " ".join(plain.replace(os.fspath(Path.cwd()), "").split())


def missing(shown: list[str], told: list[str]) -> list[str]:
    """Lines that are shown and were not told, in that order."""
    rest = iter([steady(line) for line in told])
    wanted = [line for line in shown if line != LEFT_OUT]
    return [line for line in wanted if steady(line) not in rest]


def renamed(command: str, runs: dict[str, str]) -> str:
    """A command about the runs of here and now."""
    return _RUN.sub(lambda found: runs.get(found[0], found[0]), command)


def exits(lines: list[str]) -> list[str]:
    """The exit codes that are shown."""
    return [line for line in lines if line.startswith("(exit ")]


def make_desk(root: Path, patch: pytest.MonkeyPatch, columns: int, *versions: int) -> Path:
    """The example with some of its releases built, as the current directory."""
    assert run(["init", str(root), "--example", "support-desk"]) == 0
    patch.chdir(root)
    patch.setenv("COLUMNS", str(columns))
    for name in ("GATEKEEPER_OPENAI_BASE_URL", "GATEKEEPER_MLFLOW", "MLFLOW_TRACKING_URI"):
        patch.delenv(name, raising=False)
    for version in versions:
        assert run(["build", f"manifests/support-desk-v{version}.yaml"]) == 0
    return root


def type_in(
    text: str,
    capsys: pytest.CaptureFixture[str],
    patch: pytest.MonkeyPatch,
    by_hand: Callable[[str], bool] = lambda _: False,
) -> int:
    """Type in a guide in its project, and see that what it shows is told; returns its commands.

    The first file that it shows is written first. What `by_hand` carries out is no command of ours.
    """
    shown_file = _SHOWN_FILE.search(text)
    assert shown_file
    Path(shown_file[1]).write_text(shown_file[2], encoding="utf-8")
    known: dict[str, str] = {}
    parts = [part for block in blocks(text) for part in block]
    for command, shown in parts:
        if by_hand(command):
            continue
        told = typed(renamed(command, known), capsys, patch)
        assert missing(shown, told) == [], "\n".join([f"$ {command}", *told])
        assert exits(shown) == exits(told), command
        new = [one for one in runs_in(told) if one not in known.values()]
        known |= dict(zip([one for one in runs_in(shown) if one not in known], new, strict=False))
    return len(parts)
