"""What a loss of power, a full disk or a careless hand leaves of a run goes on, or says why not.

A ceiling stops the run on its way; then its files are made what such an accident would make them.
"""

from __future__ import annotations

import random
import resource
import signal
from contextlib import contextmanager

import pytest

from evaluating import evaluate, runs
from gatekeeper.adapters.journal import LOCK, STARTED
from gatekeeper.adapters.records import LINES
from gatekeeper.adapters.runs import RUN_FILE, read_run
from gatekeeper.adapters.tables import open_tables
from gatekeeper.cli.main import run
from gatekeeper.errors import IntegrityError, UnavailableError, UndecidedError, UsageError

REF = "manifests/desk-v1.yaml"
WORDS = (REF, "--set", "quality", "--concurrency", "1")
SAID = """
SELECT sample_id, turn, input, answer, status FROM requests WHERE suite = 'quality' ORDER BY ALL
"""
DONE = 6
"""Conversations that are recorded when the ceiling is reached."""


@pytest.fixture
def stopped(root, serve):
    """The directory of a run that was stopped on its way."""
    serve()
    with pytest.raises(UndecidedError, match="the run has reached its ceiling"):
        run(["evaluate", *WORDS, "--max-tokens", "850", "--project", str(root)])
    (directory,) = runs(root)
    assert (directory / LINES).read_bytes().count(b"\n") == DONE
    return directory


def resume(directory):
    words = ["--resume", directory.name, "--max-tokens", "1000000"]
    return run(["evaluate", *words, "--project", str(directory.parents[2])])


def whole(directory, capsys):
    """It went on, and holds what a run that nothing happened to holds; its spend."""
    assert resume(directory) == 0
    found = read_run(directory)
    assert found.status == "complete"
    root = directory.parents[2]
    code, verdict = evaluate(root, capsys, *WORDS)
    assert code == 0
    other = read_run(root / ".gatekeeper/runs" / verdict["run"])
    with (
        open_tables(directory, found) as one,
        open_tables(directory.parent / other.id, other) as two,
    ):
        assert one.execute(SAID).fetchall() == two.execute(SAID).fetchall()
    assert (found.spend.nano_usd, found.spend.tokens) == (other.spend.nano_usd, other.spend.tokens)
    return found.spend


@pytest.mark.parametrize("seed", range(3))
def test_records_that_end_anywhere_go_on_from_the_last_whole_one(stopped, capsys, seed):
    path = stopped / LINES
    data = path.read_bytes()
    left = data[: random.Random(seed).randrange(len(data))]  # noqa: S311 - a place
    path.write_bytes(left)
    spend = whole(stopped, capsys)
    begun_in_vain = 1
    assert spend.repeated == DONE - left.count(b"\n") + begun_in_vain


def test_zeros_where_the_last_record_should_be_are_no_record(stopped, capsys):
    path = stopped / LINES
    data = path.read_bytes()
    last = data.rstrip(b"\n").rfind(b"\n") + 1
    path.write_bytes(data[:last] + bytes(len(data) - last))
    assert whole(stopped, capsys).repeated == 2


def test_records_that_never_reached_the_disk_are_made_again(stopped, capsys):
    (stopped / LINES).unlink()
    assert whole(stopped, capsys).repeated == DONE + 1


def test_a_log_of_what_began_may_be_lost(stopped, capsys):
    (stopped / STARTED).unlink()
    assert whole(stopped, capsys).repeated == 0


def test_a_lock_that_nobody_holds_is_none(stopped, capsys):
    (stopped / LOCK).write_text("4711\n")
    whole(stopped, capsys)


def middle(data):
    """Where the third line begins and ends."""
    lines = data.splitlines(keepends=True)
    return sum(map(len, lines[:2])), sum(map(len, lines[:3]))


def zeroed(data):
    start, _ = middle(data)
    return data[: start - 10] + bytes(20) + data[start + 10 :]


def doubled(data):
    start, end = middle(data)
    return data[:end] + data[start:end] + data[end:]


def foreign(data):
    return data.replace(b"desk-quality/", b"tesk-quality/", 1)


def bent(data):
    """A head that is sound before a row that is not."""
    start, end = middle(data)
    return data[:start] + data[start:end].replace(b'"lane":', b'"lane";') + data[end:]


def joined(data):
    """Two lines with nothing between them."""
    start, _ = middle(data)
    return data[: start - 1] + data[start:]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (zeroed, "line 2 holds no records"),
        (doubled, "was recorded twice"),
        (foreign, "is none of this run"),
        (bent, "holds something other than requests"),
        (joined, "line 2 holds no records"),
    ],
)
def test_damage_in_the_middle_is_refused_and_decides_nothing(stopped, damage, said):
    path = stopped / LINES
    path.write_bytes(damage(path.read_bytes()))
    for _ in range(2):
        with pytest.raises(IntegrityError, match=said) as caught:
            resume(stopped)
        assert caught.value.where.endswith(LINES)
        assert "evaluate again" in caught.value.fix
        assert read_run(stopped).files == {}
    with pytest.raises(UndecidedError, match="never finished"):
        run(["gate", stopped.name, "--project", str(stopped.parents[2])])


@pytest.mark.parametrize("keep", [0, 1, 200])
def test_half_a_description_is_refused_by_name(stopped, keep):
    path = stopped / RUN_FILE
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(IntegrityError, match="does not describe a run") as caught:
        resume(stopped)
    assert caught.value.where == str(path)


def test_a_run_without_a_description_is_none(stopped):
    (stopped / RUN_FILE).unlink()
    with pytest.raises(UsageError, match="no such run"):
        resume(stopped)
    assert run(["runs", "list", "--project", str(stopped.parents[2])]) == 0


@contextmanager
def full_at(size):
    """No file may grow beyond this, as on a disk that is full."""
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, kept[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_disk_that_is_full_on_the_way_ends_the_sitting_and_loses_nothing(stopped, capsys):
    before = (stopped / LINES).read_bytes()
    with (
        full_at(len(before) + 100),
        pytest.raises(UnavailableError, match="records cannot be written: File too large"),
    ):
        resume(stopped)
    assert (stopped / LINES).read_bytes() == before
    assert read_run(stopped).status == "interrupted"
    assert whole(stopped, capsys).sittings == 3


def test_a_disk_that_is_full_from_the_start_says_so(stopped, capsys):
    before = (stopped / LINES).read_bytes()
    with full_at(64), pytest.raises(UnavailableError, match="cannot be written: File too large"):
        resume(stopped)
    assert (stopped / LINES).read_bytes() == before
    whole(stopped, capsys)
