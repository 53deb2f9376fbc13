"""The error boundary: one exit code a kind of ending, and never a bare traceback."""

from __future__ import annotations

import ast
import errno
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import gatekeeper
from gatekeeper import errors
from gatekeeper.cli.boundary import guarded
from gatekeeper.errors import (
    GatekeeperError,
    InputError,
    IntegrityError,
    LostRaceError,
    Problem,
    RefusedError,
    UnavailableError,
    UndecidedError,
    UsageError,
)

PROBLEMS = [Problem("is wrong", "a.yaml", 1, 2, "x.y", "right", "z"), Problem("is odd", "b.yaml")]


def ending(error: BaseException, *arguments: str) -> int:
    def run() -> int:
        raise error

    return guarded(run, arguments)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (InputError(PROBLEMS), 2),
        (RefusedError("x"), 1),
        (IntegrityError("x"), 1),
        (UndecidedError("x"), 3),
        (LostRaceError("x"), 3),
        (UnavailableError("x"), 3),
        (GatekeeperError("x"), 3),
        (KeyboardInterrupt(), 130),
        (PermissionError(errno.EACCES, "Permission denied", "/x/y"), 3),
        (OSError(errno.ENOSPC, "No space left on device"), 3),
        (OSError(errno.ENAMETOOLONG, "File name too long", "a" * 300), 2),
    ],
)
def test_every_kind_of_ending_has_its_exit_code(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending(error) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(("error: ", "interrupted"))


def test_what_went_well_keeps_its_code() -> None:
    assert [guarded(lambda code=code: code, []) for code in (0, 1)] == [0, 1]


def test_every_problem_is_an_error_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    ending(InputError(PROBLEMS))
    assert capsys.readouterr().err == (
        "error: a.yaml:1:2: x.y: is wrong; did you mean 'z'?\n  accepted: right\n"
        "error: b.yaml: is odd\n"
    )
    assert str(InputError(PROBLEMS)).count("\n") == 2


@pytest.mark.parametrize(
    "arguments", [["-o", "json"], ["--output", "json"], ["--output=json"], ["-ojson"]]
)
def test_programs_get_the_error_as_a_document(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    ending(UsageError("what", where="where", fix="fix"), "build", *arguments)
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {
        "error": {"code": "bad-usage", "what": "what", "exit": 2, "where": "where", "fix": "fix"}
    }
    assert captured.err == "error: where: what\n  fix\n"


def test_programs_get_every_problem(capsys: pytest.CaptureFixture[str]) -> None:
    ending(InputError(PROBLEMS), "--output", "json")
    found = json.loads(capsys.readouterr().out)["error"]
    assert found["what"] == "2 problems in the input"
    assert found["problems"][0] == {
        "message": "is wrong",
        "file": "a.yaml",
        "line": 1,
        "column": 2,
        "path": "x.y",
        "accepted": "right",
        "nearest": "z",
        "code": "",
    }


@pytest.mark.parametrize("arguments", [["json"], ["--output", "text"], ["-o"], ["--json"]])
def test_people_get_no_document(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    ending(UsageError("x"), *arguments)
    assert capsys.readouterr().out == ""


def test_a_bug_leaves_a_crash_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert ending(ZeroDivisionError("by zero"), "build", "-o", "json") == 4
    (crash,) = tmp_path.iterdir()
    captured = capsys.readouterr()
    assert "gatekeeper has a bug: ZeroDivisionError: by zero" in captured.err
    assert str(crash) in captured.err
    assert "Traceback" not in captured.err
    assert json.loads(captured.out)["error"]["code"] == "bug"
    content = json.loads(crash.read_text())
    assert content["arguments"] == ["build", "-o", "json"]
    assert content["gatekeeper"] == gatekeeper.__version__
    assert "ZeroDivisionError" in content["traceback"]
    assert crash.stat().st_mode & 0o077 == 0


def test_a_bug_is_told_even_without_room_for_a_crash_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    assert ending(ZeroDivisionError("by zero")) == 4
    assert "Traceback" in capsys.readouterr().err


def test_an_unexpected_error_of_the_system_is_a_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert ending(FileNotFoundError(errno.ENOENT, "No such file or directory", "x")) == 4


def _piped(code: str) -> tuple[int, str]:
    """The exit code and stderr of Python code whose stdout nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(writing)
    return done.returncode, done.stderr.decode()


PREAMBLE = "import sys; from gatekeeper.cli.boundary import guarded; from gatekeeper import errors;"


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_reader_that_has_gone_ends_it_quietly(size: int) -> None:
    run = f"sys.exit(guarded(lambda: print('x' * {size}) or 0, []))"
    assert _piped(f"{PREAMBLE} {run}") == (3, "")


def test_an_error_nobody_reads_keeps_its_code() -> None:
    run = "(_ for _ in ()).throw(errors.UsageError('x'))"
    code, err = _piped(f"{PREAMBLE} sys.exit(guarded(lambda: {run}, ['-o', 'json']))")
    assert (code, err) == (2, "error: x\n")


def test_every_exception_descends_from_the_root() -> None:
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    raised = [found for found in classes if issubclass(found, Exception)]
    assert len(raised) >= 9
    assert all(issubclass(found, GatekeeperError) and found.__doc__ for found in raised)
    elsewhere = [
        f"{path.name}: {node.name}"
        for path in Path(gatekeeper.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and path.name != "errors.py"
        if not node.name.startswith("_")  # never leaves its module
        if any(ast.unparse(base) in {"Exception", "BaseException"} for base in node.bases)
    ]
    assert elsewhere == []


def test_an_error_says_what_where_and_what_to_do() -> None:
    assert str(UsageError("what", where="where", fix="fix")) == "where: what\n  fix"
    assert str(UsageError("what")) == "what"
    assert str(Problem("odd", path="a.b")) == "a.b: odd"
