"""The directory of a run while it is run: whose it is, and what a later sitting finds in it."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from builders_runs import CANDIDATE, Behaviour, Case
from gatekeeper.adapters.journal import LOCK, STARTED, RunJournal, read_earlier
from gatekeeper.adapters.records import LINES
from gatekeeper.core.layout import Layout, Share
from gatekeeper.errors import IntegrityError, UnavailableError

LAYOUT = Layout([Share("quality", range(10))])
COST = 110_000
TOKENS = 150


def key(number: int) -> str:
    return f"quality/{number}/0/candidate"


def rows(number: int, *, from_cache: bool = False) -> list:
    behaviour = Behaviour(retries=0)
    found = list(Case(CANDIDATE, "quality", number, behaviour).rows())
    cost = {"nano_usd": COST, "input_tokens": 50, "output_tokens": 100, "from_cache": from_cache}
    return [row.model_copy(update=cost) if hasattr(row, "from_cache") else row for row in found]


def open_files() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def hold(journal: RunJournal, *numbers: int) -> None:
    for number in numbers:
        journal.begin(key(number))
        journal.write(rows(number), key(number))


def test_nothing_was_done_before_the_first_sitting(tmp_path: Path) -> None:
    found = read_earlier(tmp_path / "absent", LAYOUT)
    assert (found.finished.count, found.nano_usd, found.tokens) == (0, 0, 0)
    assert (found.cached, found.repeated) == (0, 0)


def test_what_was_recorded_is_finished_and_paid(tmp_path: Path) -> None:
    with RunJournal(tmp_path) as journal:
        hold(journal, 3, 4)
        journal.begin(key(5))
        journal.write(rows(5, from_cache=True), key(5))
    found = read_earlier(tmp_path, LAYOUT)
    assert [number for number in range(10) if number in found.finished] == [3, 4, 5]
    assert (found.nano_usd, found.tokens, found.cached) == (2 * COST, 2 * TOKENS, 1)
    assert found.repeated == 0


def test_what_had_begun_and_was_not_recorded_was_cut_off(tmp_path: Path) -> None:
    with RunJournal(tmp_path) as journal:
        hold(journal, 1)
        for number in (2, 3):
            journal.begin(key(number))
    assert read_earlier(tmp_path, LAYOUT).repeated == 2
    with RunJournal(tmp_path) as journal:
        hold(journal, 2)
        journal.begin(key(3))
    # A kill before it was noted anywhere changes nothing: 2 was cut off once and 3 twice.
    for _ in range(2):
        assert read_earlier(tmp_path, LAYOUT).repeated == 3


def test_a_line_that_a_kill_cut_short_is_no_record(tmp_path: Path) -> None:
    with RunJournal(tmp_path) as journal:
        hold(journal, 1, 2)
    path = tmp_path / LINES
    whole = path.read_bytes()
    for size in range(len(whole) - 1, len(whole) // 2, -97):
        path.write_bytes(whole[:size])
        found = read_earlier(tmp_path, LAYOUT)
        assert (found.finished.count, found.nano_usd, found.repeated) == (1, COST, 1)
    with RunJournal(tmp_path) as journal:
        journal.write(rows(2), key(2))
    assert path.read_bytes() == whole


def test_begun_and_lost_to_a_loss_of_power_is_not_counted_below_zero(tmp_path: Path) -> None:
    with RunJournal(tmp_path) as journal:
        hold(journal, 1, 2)
    (tmp_path / STARTED).unlink()
    assert read_earlier(tmp_path, LAYOUT).repeated == 0


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ("quality/10/0/candidate", "'quality/10/0/candidate' is none of this run"),
        ("", "'' is none of this run"),
        (key(1), "'quality/1/0/candidate' was recorded twice"),
    ],
)
def test_what_is_no_record_of_this_run_is_refused(tmp_path: Path, other: str, what: str) -> None:
    with RunJournal(tmp_path) as journal:
        hold(journal, 1)
        journal.write(rows(2), other)
    with pytest.raises(IntegrityError) as caught:
        read_earlier(tmp_path, LAYOUT)
    assert caught.value.what == f"the conversation {what}"
    assert caught.value.where == str(tmp_path / LINES)


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with RunJournal(tmp_path) as journal:
        with pytest.raises(UnavailableError, match="another process is running") as caught:
            RunJournal(tmp_path)
        assert caught.value.where == str(tmp_path)
        hold(journal, 1)
    with RunJournal(tmp_path) as journal:
        hold(journal, 2)
    assert read_earlier(tmp_path, LAYOUT).finished.count == 2


def test_a_process_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import os, signal, sys
        from pathlib import Path
        from gatekeeper.adapters.journal import RunJournal
        journal = RunJournal(Path(sys.argv[1]))
        journal.begin("quality/7/0/candidate")
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    done = subprocess.run([sys.executable, "-c", script, tmp_path], check=False)
    assert done.returncode == -signal.SIGKILL
    assert read_earlier(tmp_path, LAYOUT).repeated == 1
    RunJournal(tmp_path).close()


def test_what_only_an_unfinished_run_needs_goes(tmp_path: Path) -> None:
    with RunJournal(tmp_path) as journal:
        hold(journal, 1)
        journal.flush()
        assert {path.name for path in tmp_path.iterdir()} == {LINES, STARTED, LOCK}
        journal.remove_traces()
        journal.remove_traces()
        assert [path.name for path in tmp_path.iterdir()] == [LINES]


def test_a_journal_that_is_closed_leaves_no_file_open(tmp_path: Path) -> None:
    before = open_files()
    with RunJournal(tmp_path):
        assert len(open_files() - before) == 3
    assert open_files() == before
