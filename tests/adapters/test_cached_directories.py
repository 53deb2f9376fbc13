"""What can be made again is kept within bounds, and never taken from who is at work."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from gatekeeper.adapters.cached_directories import DAY, Bounds, CachedDirectories, Removed
from gatekeeper.errors import UnavailableError

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 64 * 1024
HOLDER = """
import sys, time
from pathlib import Path
from gatekeeper.adapters.cached_directories import CachedDirectories
with CachedDirectories(Path(sys.argv[1])).in_use():
    print("held", flush=True)
    time.sleep(60)
"""


def entry(root: Path, name: str, days: float) -> None:
    """A directory of 64 KiB that was used some days ago."""
    (root / name / "deep").mkdir(parents=True)
    (root / name / "deep/file").write_bytes(os.urandom(SIZE))
    used = time.time() - days * DAY
    os.utime(root / name, (used, used))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    found = tmp_path / "kept"
    for name, days in (("a", 40), ("b", 20), ("c", 10), ("d", 0.5)):
        entry(found, name, days)
    return found


def left(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir() if path.is_dir())


def test_what_nobody_used_for_long_goes(root: Path) -> None:
    assert CachedDirectories(root).prune() == Removed(1, SIZE)
    assert left(root) == ["b", "c", "d"]


def test_the_least_recently_used_go_until_the_rest_fits(root: Path) -> None:
    shelf = CachedDirectories(root, Bounds(size=2 * SIZE))
    shelf.used(root / "a")
    assert shelf.prune().count == 2
    assert left(root) == ["a", "d"]


def test_what_was_used_today_stays_however_large(root: Path) -> None:
    assert CachedDirectories(root, Bounds(size=0)).prune().count == 3
    assert left(root) == ["d"]


def test_what_something_refers_to_stays_however_old(root: Path) -> None:
    assert CachedDirectories(root, Bounds(size=0, age=0)).prune(keep={"a", "d"}).count == 2
    assert left(root) == ["a", "d"]


def test_nothing_is_taken_from_a_process_that_is_at_work(root: Path) -> None:
    shelf = CachedDirectories(root, Bounds(size=0, age=0))
    words = [sys.executable, "-c", HOLDER, str(root)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert shelf.prune() == Removed()
        with shelf.in_use():  # several may be at work
            assert left(root) == ["a", "b", "c", "d"]
        other.kill()
    assert shelf.prune().count == 4


def test_what_a_killed_process_left_is_swept(root: Path) -> None:
    (root / ".gone-x").mkdir()
    (root / ".tmp-y/tree").mkdir(parents=True)
    CachedDirectories(root).prune()
    assert left(root) == ["b", "c", "d"]


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UnavailableError, match="cannot be written"),
        CachedDirectories(tmp_path / "file/kept").in_use(),
    ):
        pass


def test_where_there_is_nothing_nothing_is_made(tmp_path: Path) -> None:
    assert CachedDirectories(tmp_path / "none").prune() == Removed()
    assert list(tmp_path.iterdir()) == []
