"""Runs on disk: sealed whole, read back only if nothing changed."""

from __future__ import annotations

import json
import resource
import signal
from typing import TYPE_CHECKING

import duckdb
import pytest

from builders_runs import CANDIDATE, Behaviour, Case, describe, make_run
from gatekeeper.adapters.columns import TABLES
from gatekeeper.adapters.project import Project
from gatekeeper.adapters.records import LINES, RunRecords
from gatekeeper.adapters.runs import find_run, read_run, seal, write_run
from gatekeeper.adapters.tables import open_lines, open_tables
from gatekeeper.errors import IntegrityError, UnavailableError, UndecidedError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

SMALL = {"quality": 5}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    make_run(tmp_path / "run", run=describe(SMALL))
    return tmp_path / "run"


def test_a_sealed_run_reads_back_what_was_written(tmp_path: Path) -> None:
    rows = [
        row for number in range(5) for row in Case(CANDIDATE, "safety", number, Behaviour()).rows()
    ]
    with RunRecords(tmp_path) as records:
        records.write(rows)
    run = seal(tmp_path, describe({"safety": 5}))
    assert read_run(tmp_path) == run
    assert {path.name for path in tmp_path.iterdir()} == {"run.json", *run.files}
    with open_tables(tmp_path, run) as connection:
        for table in TABLES:
            found = connection.execute(f"FROM {table.name}").fetchall()
            expected = [
                tuple(
                    list(value) if isinstance(value, tuple) else value
                    for value in row.model_dump().values()
                )
                for row in rows
                if isinstance(row, table.row)
            ]
            assert found == expected


def test_an_empty_run_has_typed_empty_tables(tmp_path: Path) -> None:
    run = seal(tmp_path, describe({}))
    with open_tables(tmp_path, run) as connection:
        for table in TABLES:
            described = connection.execute(f"DESCRIBE {table.name}").fetchall()
            assert {name: kind for name, kind, *_ in described} == table.columns
            assert connection.execute(f"FROM {table.name}").fetchall() == []


def test_sealing_again_changes_nothing(small: Path) -> None:
    before = {path.name: path.read_bytes() for path in small.iterdir()}
    assert seal(small, read_run(small)) == read_run(small)
    assert {path.name: path.read_bytes() for path in small.iterdir()} == before


def test_a_disk_that_is_full_while_a_run_is_sealed_loses_nothing(tmp_path: Path) -> None:
    make_run(tmp_path, run=describe({"quality": 100}), sealed=False)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, limit[1]))
    try:
        with pytest.raises(UnavailableError, match="records cannot be read or sealed") as caught:
            seal(tmp_path, describe({"quality": 100}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert caught.value.where == str(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert seal(tmp_path, describe({"quality": 100})).files


def test_part_of_a_line_left_by_a_kill_is_left_out_and_noted(tmp_path: Path) -> None:
    make_run(tmp_path, run=describe(SMALL), sealed=False)
    with (tmp_path / LINES).open("ab") as file:
        file.write(b'{"key":"x","att')
    run = seal(tmp_path, describe(SMALL))
    assert run.notes == ("records.jsonl: its last line was cut short and left out",)


def test_tables_can_be_read_while_they_are_written(tmp_path: Path) -> None:
    with RunRecords(tmp_path) as records:
        records.write(Case(CANDIDATE, "quality", 0, Behaviour()).rows())
        connection, notes = open_lines(tmp_path)
        assert connection.execute("SELECT count(*) FROM requests").fetchone() == (1,)
        assert notes == ()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"scores": [{}]}', "has 1 scores that lack a value which every row has"),
        ("[1]", "Expected OBJECT"),
        ('{"scores": [{"request_id": "x", "scorer": "y", "value": "z"}]}', "Failed to cast"),
        ('{"scores"', "Malformed JSON"),
        ("\x00", "Malformed JSON"),
    ],
)
def test_lines_that_are_no_rows_are_refused_by_file(
    tmp_path: Path, line: str, message: str
) -> None:
    make_run(tmp_path, run=describe(SMALL), sealed=False)
    with (tmp_path / LINES).open("a") as file:
        file.write(line + "\n")
    with pytest.raises(IntegrityError, match=message) as caught:
        seal(tmp_path, describe(SMALL))
    assert caught.value.where == str(tmp_path / LINES)
    assert read_run(tmp_path).files == {}
    assert (tmp_path / LINES).exists()


def test_a_directory_may_be_called_what_a_database_takes_for_a_pattern(tmp_path: Path) -> None:
    directory = tmp_path / "it's [1] run * of ?"
    make_run(directory, run=describe(SMALL))
    with open_tables(directory, read_run(directory)) as connection:
        assert connection.execute("SELECT count(*) FROM requests").fetchone() == (10,)
    (directory / LINES).touch()
    assert open_lines(directory)[1] == ()


@pytest.mark.parametrize("change", ["absent", "altered", "truncated"])
def test_a_table_that_changed_is_refused_by_name(small: Path, change: str) -> None:
    path = small / "calls.parquet"
    data = path.read_bytes()
    path.unlink()
    if change != "absent":
        path.write_bytes(data[:-20] if change == "truncated" else data[:-1] + b"x")
    with pytest.raises(IntegrityError, match=r"is absent|is not the file") as caught:
        open_tables(small, read_run(small))
    assert caught.value.where == str(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [("SELECT 1 AS request_id", "has other columns"), (None, "is not sound Parquet")],
)
def test_a_table_that_was_sealed_wrong_is_refused(
    small: Path, content: str | None, message: str
) -> None:
    from gatekeeper.adapters.tables import file_digest

    path = small / "scores.parquet"
    if content is None:
        path.write_bytes(b"PAR1 no")
    else:
        duckdb.execute(f"COPY ({content}) TO '{path}' (FORMAT parquet)")
    run = read_run(small)
    changed = run.model_copy(update={"files": run.files | {path.name: file_digest(path)}})
    with pytest.raises(IntegrityError, match=message):
        open_tables(small, changed)


def test_a_run_that_was_not_sealed_decides_nothing(tmp_path: Path) -> None:
    make_run(tmp_path, run=describe(SMALL, status="interrupted"), sealed=False)
    with pytest.raises(UndecidedError, match="it is interrupted"):
        open_tables(tmp_path, read_run(tmp_path))


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"id": "x"', "\x00", '{"id": 1}'])
def test_a_file_that_describes_no_run_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(IntegrityError, match="does not describe a run"):
        read_run(tmp_path)


def test_unknown_keys_of_a_run_are_refused(tmp_path: Path) -> None:
    write_run(tmp_path, describe(SMALL))
    content = json.loads((tmp_path / "run.json").read_bytes()) | {"surprise": 1}
    (tmp_path / "run.json").write_text(json.dumps(content))
    with pytest.raises(IntegrityError, match="surprise"):
        read_run(tmp_path)


def test_a_run_is_found_by_id_beginning_or_path(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for name in ("20260101-a", "20260101-b", "20260202-c", "20260202-cc"):
        write_run(project.runs / name, describe(SMALL))
    (project.runs / "20260303-unfinished").mkdir()
    assert find_run(project, "20260101-a") == project.runs / "20260101-a"
    assert find_run(project, "20260202-c") == project.runs / "20260202-c"
    path = project.runs / "20260101-b"
    assert find_run(project, str(path)) == path
    with pytest.raises(UsageError, match="2 runs begin so") as caught:
        find_run(project, "20260101")
    assert "20260101-a, 20260101-b" in caught.value.fix
    for unknown in ("20260303-unfinished", "nothing", "", "./nothing", ".."):
        with pytest.raises(UsageError, match="no such run") as caught:
            find_run(project, unknown)
        assert "gatekeeper runs list" in caught.value.fix
