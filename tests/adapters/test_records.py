"""Writing records: whole lines, whatever happens."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from builders_runs import CANDIDATE, Behaviour, Case
from gatekeeper.adapters.records import (
    LINES,
    Head,
    RotatingRecords,
    RunRecords,
    read_heads,
    whole_lines,
)
from gatekeeper.errors import IntegrityError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def rows(number: int = 0, suite: str = "quality") -> list:
    return list(Case(CANDIDATE, suite, number, Behaviour()).rows())


def lines(directory: Path, name: str = "requests") -> list[dict]:
    written = map(json.loads, (directory / LINES).read_bytes().splitlines())
    return [row for line in written for row in line[name]]


def test_rows_go_to_their_tables_in_order(tmp_path: Path) -> None:
    with RunRecords(tmp_path / "run") as records:
        for number in range(3):
            records.write(rows(number))
        assert records.size == sum(path.stat().st_size for path in (tmp_path / "run").iterdir())
    assert [row["time"] for row in lines(tmp_path / "run")] == [0, 1, 2]
    assert len(lines(tmp_path / "run", "outcomes")) == 3
    assert lines(tmp_path / "run", "scores") == []
    assert [path.name for path in (tmp_path / "run").iterdir()] == [LINES]


def test_a_kill_loses_nothing_that_write_was_given(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import os, signal, sys
        from pathlib import Path
        from gatekeeper.adapters.records import RunRecords
        from gatekeeper.model.record import ScoreRow
        records = RunRecords(Path(sys.argv[1]))
        for number in range(100):
            records.write([ScoreRow(request_id=str(number), scorer="pii", value=1.0)])
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    done = subprocess.run([sys.executable, "-c", script, tmp_path], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(lines(tmp_path, "scores")) == 100


def test_part_of_a_line_is_cut_before_more_is_written(tmp_path: Path) -> None:
    with RunRecords(tmp_path) as records:
        records.write(rows())
    with (tmp_path / LINES).open("ab") as file:
        file.write(b'{"key": "half')
    with RunRecords(tmp_path) as records:
        records.write(rows(1))
    assert [row["time"] for row in lines(tmp_path)] == [0, 1]


@pytest.mark.parametrize("content", [b"", b"half", b"one\n", b"one\nha", b"x" * 70_000 + b"\nhalf"])
def test_whole_lines_end_at_the_last_newline(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert whole_lines(path) == content.rfind(b"\n") + 1


def test_a_full_disk_leaves_no_part_of_the_rows_and_can_be_tried_again(tmp_path: Path) -> None:
    records = RunRecords(tmp_path)
    records.write(rows(0, "safety"))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    more = [row for number in range(1, 20) for row in rows(number, "safety")]
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limit[1]))
    try:
        with pytest.raises(UnavailableError, match="records cannot be written"):
            records.write(more)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    records.write(more)
    records.close()
    assert len(lines(tmp_path)) == 20
    assert len(lines(tmp_path, "scores")) == 40


def test_the_head_of_a_line_says_whose_it_is_and_what_was_paid(tmp_path: Path) -> None:
    made = Case(CANDIDATE, "quality", 3, Behaviour(retries=300, tokens=100)).rows()
    read = [
        row.model_copy(update={"from_cache": True}) if hasattr(row, "from_cache") else row
        for row in rows(4)
    ]
    with RunRecords(tmp_path) as records:
        records.write(made, key='odd "key"')
        records.write(read, key="second")
        records.write([])
    with (tmp_path / LINES).open("ab") as file:
        file.write(b'{"key": "half')
    first, second, third = read_heads(tmp_path / LINES)
    calls = lines_of(tmp_path, 0)["calls"]
    assert first == Head(
        'odd "key"',
        sum(call["nano_usd"] for call in calls),
        sum(call["input_tokens"] + call["output_tokens"] for call in calls),
    )
    assert first.nano_usd > 0
    assert second == Head("second", cached=len(lines_of(tmp_path, 1)["calls"]))
    assert third == Head("")


def lines_of(directory: Path, number: int) -> dict:
    return json.loads((directory / LINES).read_bytes().splitlines()[number])


def test_a_line_without_a_head_is_refused_by_number(tmp_path: Path) -> None:
    with RunRecords(tmp_path) as records:
        records.write(rows())
    with (tmp_path / LINES).open("ab") as file:
        file.write(b'{"requests": []}\n')
    with pytest.raises(IntegrityError, match="line 2 holds no records"):
        list(read_heads(tmp_path / LINES))
    assert list(read_heads(tmp_path / "absent")) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda line, _: line[:-40] + b"\n",
        lambda line, _: line[:300] + bytes(50) + line[350:],
        lambda line, other: line[:-1] + other,
        lambda line, other: line[: len(line) // 2] + other,
        lambda *_: b"\n",
    ],
    ids=["cut", "zeroed", "joined", "run into the next", "empty"],
)
def test_a_line_that_is_plainly_none_is_refused_before_more_is_asked(
    tmp_path: Path, damage: Callable[[bytes, bytes], bytes]
) -> None:
    odd = 'a text with {"key": in it, {"key":"x"} and \0'
    with RunRecords(tmp_path) as records:
        for number in range(3):
            made = [row.model_copy(update={"answer": odd} if number < 2 else {}) for row in rows()]
            records.write(made, f"key {number}")
    assert [head.key for head in read_heads(tmp_path / LINES)] == ["key 0", "key 1", "key 2"]
    first, second, third = (tmp_path / LINES).read_bytes().splitlines(keepends=True)
    (tmp_path / LINES).write_bytes(first + damage(second, third))
    with pytest.raises(IntegrityError, match="line 2 holds no records"):
        list(read_heads(tmp_path / LINES))


def test_segments_follow_each_other_and_hold_whole_writes(tmp_path: Path) -> None:
    records = RotatingRecords(tmp_path / "records", max_bytes=3000)
    records.flush()
    for number in range(20):
        records.write(rows(number))
    records.flush()
    records.close()
    records.close()
    segments = sorted((tmp_path / "records").iterdir())
    assert len(segments) > 3
    found = [row["time"] for segment in segments for row in lines(segment)]
    assert found == list(range(20))
    for segment in segments:
        asked = {row["request_id"] for row in lines(segment)}
        assert {row["request_id"] for row in lines(segment, "calls")} == asked
    records.write(rows(20))
    records.close()
    assert len(list((tmp_path / "records").iterdir())) == len(segments) + 1


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError) as caught:
        RotatingRecords(tmp_path / "file" / "records").write(rows())
    assert caught.value.where == str(tmp_path / "file" / "records")


def test_a_flush_that_the_disk_refuses_is_named(tmp_path: Path) -> None:
    records = RunRecords(tmp_path)
    os.close(records._file._handle)
    with pytest.raises(UnavailableError, match="Bad file descriptor"):
        records.flush()
