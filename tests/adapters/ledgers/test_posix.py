from __future__ import annotations

import multiprocessing
import os
import resource
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from gatekeeper.adapters.ledgers import posix
from gatekeeper.adapters.ledgers.posix import PosixLedger
from gatekeeper.errors import IntegrityError, LostRaceError, UnavailableError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = 65534


def filled(directory: Path, count: int) -> PosixLedger:
    for serial in range(1, count + 1):
        (directory / f"{serial:08d}.json").write_bytes(b"entry %d" % serial)
    return PosixLedger(directory)


@pytest.mark.parametrize("count", [*range(18), 31, 32, 33, 100])
def test_the_head_is_found_whatever_it_is(tmp_path: Path, count: int) -> None:
    assert filled(tmp_path, count).head() == count


def test_the_head_is_found_without_listing(tmp_path: Path) -> None:
    ledger = filled(tmp_path, 300)
    looked: list[int] = []
    has = ledger._has
    ledger._has = lambda serial: looked.append(serial) or has(serial)  # type: ignore[method-assign,func-returns-value]
    assert ledger.head() == 300
    assert len(looked) < 20


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    ledger = PosixLedger(tmp_path)
    ledger.append(1, b"one")
    ledger.append(2, b"two")
    assert ledger.head() == 2
    assert ledger.read(2) == b"two"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000001.json", "00000002.json"]


def test_an_entry_that_exists_is_never_replaced(tmp_path: Path) -> None:
    ledger = filled(tmp_path, 1)
    with pytest.raises(LostRaceError, match="wrote entry 1 first"):
        ledger.append(1, b"mine")
    assert ledger.read(1) == b"entry 1"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_race_is_lost_even_when_the_winner_has_gone_on(tmp_path: Path) -> None:
    ledger = filled(tmp_path, 3)
    with pytest.raises(LostRaceError):
        ledger.append(2, b"mine")


def test_a_link_that_was_reported_as_lost_is_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As NFS does when the reply to a link that succeeded got lost."""
    link = os.link

    def twice(source: Path, target: Path) -> None:
        link(source, target)
        link(source, target)

    monkeypatch.setattr(posix.os, "link", twice)
    ledger = PosixLedger(tmp_path)
    ledger.append(1, b"one")
    assert ledger.read(1) == b"one"


def test_a_gap_is_not_filled(tmp_path: Path) -> None:
    ledger = filled(tmp_path, 3)
    (tmp_path / "00000002.json").unlink()
    assert ledger.head() == 1
    with pytest.raises(IntegrityError, match=r"00000002\.json is missing, but 00000003\.json"):
        ledger.append(2, b"mine")


def test_a_first_entry_that_is_missing_is_noticed(tmp_path: Path) -> None:
    ledger = filled(tmp_path, 3)
    (tmp_path / "00000001.json").unlink()
    with pytest.raises(IntegrityError, match="later entries are there"):
        ledger.head()


def test_a_directory_with_other_things_is_no_ledger(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(UsageError, match=r"is not a ledger: it holds 'notes\.txt'"):
        PosixLedger(tmp_path).head()


@pytest.mark.parametrize("absent", ["gone", "file/below"])
def test_a_directory_that_is_not_there_is_not_an_empty_ledger(tmp_path: Path, absent: str) -> None:
    (tmp_path / "file").write_text("a file")
    ledger = PosixLedger(tmp_path / absent)
    with pytest.raises(UnavailableError):
        ledger.head()
    with pytest.raises(UnavailableError):
        ledger.append(1, b"one")


def test_stale_temporary_files_are_swept_and_fresh_ones_are_left(tmp_path: Path) -> None:
    stale, fresh = tmp_path / (".tmp-" + "0" * 16), tmp_path / (".tmp-" + "1" * 16)
    for path in (stale, fresh):
        path.write_bytes(b"half an ent")
    long_ago = time.time() - 2 * posix.STALE_SECONDS
    os.utime(stale, (long_ago, long_ago))
    ledger = PosixLedger(tmp_path)
    assert ledger.head() == 0
    ledger.append(1, b"one")
    assert not stale.exists()
    assert fresh.exists()


def test_a_temporary_file_that_is_an_entry_too_is_swept_without_harm(tmp_path: Path) -> None:
    ledger = filled(tmp_path, 1)
    left = tmp_path / (".tmp-" + "0" * 16)
    os.link(tmp_path / "00000001.json", left)
    long_ago = time.time() - 2 * posix.STALE_SECONDS
    os.utime(left, (long_ago, long_ago))
    ledger.append(2, b"two")
    assert not left.exists()
    assert ledger.read(1) == b"entry 1"


def test_an_entry_that_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    ledger = PosixLedger(tmp_path)
    with pytest.raises(IntegrityError, match="is missing"):
        ledger.read(1)
    (tmp_path / "elsewhere").write_text("x")
    (tmp_path / "00000001.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(IntegrityError, match="symbolic link"):
        ledger.read(1)
    os.mkfifo(tmp_path / "00000002.json")
    with pytest.raises(IntegrityError, match="not a regular file"):
        ledger.read(2)
    (tmp_path / "00000003.json").write_bytes(b"x" * (posix.MAX_ENTRY + 1))
    with pytest.raises(IntegrityError, match="is larger than"):
        ledger.read(3)
    (tmp_path / "elsewhere").chmod(0)
    with pytest.raises(UnavailableError, match="cannot be read"):
        PosixLedger(tmp_path / "elsewhere").read(1)


def run_limited(tmp_path: Path, prepare: str) -> subprocess.CompletedProcess[str]:
    """Append in a process of its own, after some preparation."""
    code = (
        "import os, resource, signal\n"
        "from pathlib import Path\n"
        "from gatekeeper.adapters.ledgers.posix import PosixLedger\n"
        f"{prepare}\n"
        f"PosixLedger(Path({str(tmp_path)!r})).append(1, b'x' * 5000)\n"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_where_the_disk_is_full_nothing_is_left(tmp_path: Path) -> None:
    assert resource.RLIMIT_FSIZE is not None
    found = run_limited(tmp_path, "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))")
    assert "UnavailableError" in found.stderr
    assert "the ledger cannot be written: File too large" in found.stderr
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_may_be_written_nothing_is_left(tmp_path: Path) -> None:
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)
    tmp_path.chmod(0o555)
    found = run_limited(tmp_path, f"if os.geteuid() == 0: os.seteuid({NOBODY})")
    assert "the ledger cannot be written: Permission denied" in found.stderr
    assert list(tmp_path.iterdir()) == []


def contend(directory: Path, number: int, barrier: object, results: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    try:
        PosixLedger(directory).append(1, b"%d" % number)
    except LostRaceError:
        results.put((number, False))  # type: ignore[attr-defined]
    else:
        results.put((number, True))  # type: ignore[attr-defined]


def test_of_many_writers_exactly_one_wins(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    for attempt in range(5):
        directory = tmp_path / str(attempt)
        directory.mkdir()
        barrier, results = context.Barrier(16), context.Queue()
        writers = [
            context.Process(target=contend, args=(directory, number, barrier, results))
            for number in range(16)
        ]
        for writer in writers:
            writer.start()
        answers = dict(results.get(timeout=30) for _ in writers)
        for writer in writers:
            writer.join()
        winners = [number for number, won in answers.items() if won]
        assert len(winners) == 1
        assert PosixLedger(directory).read(1) == b"%d" % winners[0]
        assert len(list(directory.iterdir())) == 1
