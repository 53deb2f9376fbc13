"""The response cache: it gives back what it was given, and never ends an evaluation."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.adapters.responses import ResponseCache
from gatekeeper.ports import Generation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = b"k" * 32
MADE = Generation("24 months", 9, 3, 1, -0.25, 7, "length", 1, 2, 0.5)
COUNTS = st.integers(0, 2**40)
MAYBE = st.none() | COUNTS
FLOATS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
MADES = st.builds(
    Generation, st.text(), COUNTS, COUNTS, COUNTS, FLOATS, MAYBE, st.text(), MAYBE, MAYBE, FLOATS
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "responses.sqlite"


@pytest.fixture
def cache(path: Path) -> Iterator[ResponseCache]:
    with closing(ResponseCache(path)) as found:
        yield found


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.binary(min_size=1, max_size=40), MADES), max_size=8))
def test_what_it_was_given_it_gives_back(
    tmp_path_factory: pytest.TempPathFactory, kept: list[tuple[bytes, Generation]]
) -> None:
    path = tmp_path_factory.mktemp("cache") / "responses.sqlite"
    with closing(ResponseCache(path)) as cache:
        for key, made in kept:
            cache.put(key, made)
    with closing(ResponseCache(path)) as cache:
        assert {key: cache.get(key) for key, _ in kept} == dict(kept)
        assert cache.get(b"") is None
        assert cache.trouble == ""


def test_what_is_not_there_is_none(cache: ResponseCache) -> None:
    assert cache.get(KEY) is None


def tampered(path: Path, change: str) -> Generation | None:
    with closing(ResponseCache(path)) as cache:
        cache.put(KEY, MADE)
        cache.put(b"o" * 32, MADE)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"UPDATE responses SET {change} WHERE key = ?", (KEY,))  # noqa: S608
    with closing(ResponseCache(path)) as cache:
        assert cache.get(b"o" * 32) == MADE
        found = cache.get(KEY)
        cache.put(KEY, MADE)
        assert cache.get(KEY) == MADE
    return found


@pytest.mark.parametrize(
    "change",
    [
        "value = x''",
        "value = x'00'",
        "value = substr(value, 1, length(value) - 1)",
        "value = substr(value, 1, 4) || x'7b7d'",
        "value = CAST(replace(CAST(value AS TEXT), '24', '25') AS BLOB)",
        "value = 'text'",
        "value = 5",
    ],
)
def test_a_damaged_value_is_no_value(path: Path, change: str) -> None:
    assert tampered(path, change) is None


def test_an_answer_moved_to_another_question_is_no_value(path: Path) -> None:
    tampered(path, "value = (SELECT value FROM responses WHERE key <> x'00' LIMIT 1)")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE responses SET key = ? WHERE key = ?", (b"n" * 32, KEY))
    with closing(ResponseCache(path)) as cache:
        assert cache.get(b"n" * 32) is None


@pytest.mark.parametrize("content", [b"no database at all, and long enough" * 40, b"x"])
def test_a_file_that_is_no_database_makes_room_for_one(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with closing(ResponseCache(path)) as cache:
        assert cache.trouble == ""
        cache.put(KEY, MADE)
    with closing(ResponseCache(path)) as cache:
        assert cache.get(KEY) == MADE


def test_a_damaged_database_gives_nothing_wrong_and_ends_nothing(path: Path) -> None:
    with closing(ResponseCache(path)) as cache:
        for number in range(300):
            cache.put(number.to_bytes(32), MADE)
    whole = path.read_bytes()
    for start in range(0, len(whole), len(whole) // 12):
        path.write_bytes(whole[:start] + b"\xa5" * 3000 + whole[start + 3000 :])
        with closing(ResponseCache(path)) as cache:
            found = {cache.get(number.to_bytes(32)) for number in range(300)}
            assert found <= {None, MADE}
            cache.put(KEY, MADE)
            assert cache.trouble or cache.get(KEY) == MADE


def test_a_disk_that_refuses_is_told_and_ends_nothing(path: Path) -> None:
    script = textwrap.dedent("""
        import resource, signal, sys
        from pathlib import Path
        from gatekeeper.adapters.responses import ResponseCache
        from gatekeeper.ports import Generation
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        cache = ResponseCache(Path(sys.argv[1]))
        cache.put(b"first", Generation("one", 1, 1))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
        for number in range(2000):
            cache.put(number.to_bytes(32), Generation("x" * 500, 1, 1))
        print(cache.trouble, cache.get(b"first"), sep="\\n")
        cache.close()
    """)
    done = subprocess.run(
        [sys.executable, "-c", script, path], capture_output=True, text=True, check=True
    )
    trouble, found = done.stdout.splitlines()
    assert trouble.startswith("the response cache cannot be written: ")
    assert found == "None"
    with closing(ResponseCache(path)) as cache:
        assert cache.get(b"first") == Generation("one", 1, 1)


def test_a_directory_that_cannot_be_made_is_told_and_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with closing(ResponseCache(tmp_path / "file" / "responses.sqlite")) as cache:
        assert cache.trouble.startswith("the response cache cannot be used: ")
        cache.put(KEY, MADE)
        assert cache.get(KEY) is None


def test_a_directory_in_its_place_is_told_and_ends_nothing(path: Path) -> None:
    path.mkdir(parents=True)
    with closing(ResponseCache(path)) as cache:
        assert cache.trouble.startswith("the response cache cannot be used: ")
        assert cache.get(KEY) is None


def test_while_it_is_suspended_it_is_neither_read_nor_written(cache: ResponseCache) -> None:
    cache.put(KEY, MADE)
    cache.suspended = True
    assert cache.get(KEY) is None
    cache.put(b"other", MADE)
    cache.suspended = False
    assert (cache.get(KEY), cache.get(b"other")) == (MADE, None)


def test_two_processes_may_write_at_once(path: Path) -> None:
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from gatekeeper.adapters.responses import ResponseCache
        from gatekeeper.ports import Generation
        cache = ResponseCache(Path(sys.argv[1]))
        for number in range(300):
            cache.put(f"{sys.argv[2]} {number}".encode(), Generation(sys.argv[2], number, 1))
            cache.put(f"both {number}".encode(), Generation("both", number, 1))
        cache.close()
        sys.exit(cache.trouble)
    """)
    both = [
        subprocess.Popen([sys.executable, "-c", script, path, name], stderr=subprocess.PIPE)
        for name in ("one", "two")
    ]
    assert [process.communicate()[1] for process in both] == [b"\n", b"\n"]
    with closing(ResponseCache(path)) as cache:
        for name in ("one", "two", "both"):
            found = [cache.get(f"{name} {number}".encode()) for number in range(300)]
            assert found == [Generation(name, number, 1) for number in range(300)]


def test_many_processes_may_open_it_at_once(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import os, sys
        from multiprocessing import get_context
        from pathlib import Path
        from gatekeeper.adapters.responses import ResponseCache

        def opened(path, start):
            start.wait()
            os._exit(bool(ResponseCache(path).trouble))

        for number in range(150):
            path, context = Path(sys.argv[1], str(number), "responses.sqlite"), get_context("fork")
            start = context.Barrier(6)
            ours = [context.Process(target=opened, args=(path, start)) for _ in range(6)]
            for one in ours:
                one.start()
            for one in ours:
                one.join()
                assert not one.exitcode, number
    """)
    subprocess.run([sys.executable, "-c", script, tmp_path], check=True)
