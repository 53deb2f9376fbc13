from __future__ import annotations

import hashlib
import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from gatekeeper.adapters import hashing
from gatekeeper.adapters.hashing import FileHasher, hash_file
from gatekeeper.errors import IntegrityError, UnavailableError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / name for name in ("a.bin", "b.bin", "c.bin")]
    for index, path in enumerate(paths):
        path.write_bytes(bytes([index]) * 3_000_000)
    settle()
    return paths


def settle() -> None:
    """A file written this instant is not remembered; let the instant pass."""
    time.sleep(2 * hashing.RACY_NS / 1e9)


def expected(paths: list[Path]) -> dict[Path, tuple[int, str]]:
    return {
        path: (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()) for path in paths
    }


def test_unchanged_files_are_not_read_again(tmp_path: Path, files: list[Path]) -> None:
    cache = tmp_path / "cache" / "files.jsonl"
    first = FileHasher(cache)
    assert first.digests(files) == expected(files)
    assert first.hashed == 3
    second = FileHasher(cache)
    assert second.digests(files) == expected(files)
    assert second.hashed == 0
    fresh = FileHasher(cache, fresh=True)
    assert fresh.digests(files) == expected(files)
    assert fresh.hashed == 3


def test_a_touched_file_is_read_again(tmp_path: Path, files: list[Path]) -> None:
    cache = tmp_path / "files.jsonl"
    FileHasher(cache).digests(files)
    before = files[0].stat()
    files[0].write_bytes(b"\x09" * 3_000_000)
    # The old time put back: the change time tells all the same.
    os.utime(files[0], ns=(before.st_atime_ns, before.st_mtime_ns))
    hasher = FileHasher(cache)
    assert hasher.digests(files) == expected(files)
    assert hasher.hashed == 1


def test_a_file_put_in_the_place_of_another_is_read(tmp_path: Path, files: list[Path]) -> None:
    cache = tmp_path / "files.jsonl"
    FileHasher(cache).digests(files)
    files[1].rename(files[0])
    hasher = FileHasher(cache)
    assert hasher.digests(files[:1]) == expected(files[:1])
    assert hasher.hashed == 1


@pytest.mark.parametrize("damage", [b"", b"\n", b"garbage\xff\n", b"00000000 [1]\n"])
def test_a_damaged_cache_means_hashing_again(
    tmp_path: Path, files: list[Path], damage: bytes
) -> None:
    cache = tmp_path / "files.jsonl"
    FileHasher(cache).digests(files)
    for content in (damage, cache.read_bytes()[:-30] + damage, cache.read_bytes()[10:]):
        cache.write_bytes(content)
        assert FileHasher(cache).digests(files) == expected(files)


def test_a_changed_digit_in_the_cache_is_noticed(tmp_path: Path, files: list[Path]) -> None:
    cache = tmp_path / "files.jsonl"
    FileHasher(cache).digests(files)
    value = hashlib.sha256(files[0].read_bytes()).hexdigest()
    other = ("0" if value[0] != "0" else "1") + value[1:]
    cache.write_text(cache.read_text().replace(value, other))
    assert FileHasher(cache).digests(files) == expected(files)


def test_a_cache_of_dead_lines_is_written_anew(
    tmp_path: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "MIN_COMPACT", 10)
    cache = tmp_path / "files.jsonl"
    FileHasher(cache).digests(files)
    cache.write_bytes(b"line of nobody\n" * 100 + cache.read_bytes())
    extra = tmp_path / "d.bin"
    extra.write_bytes(b"d")
    FileHasher(cache).digests([*files, extra])
    assert b"nobody" not in cache.read_bytes()
    assert FileHasher(cache).digests(files) == expected(files)


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    cache = tmp_path / "files.jsonl"
    paths = [tmp_path / f"{number}.bin" for number in range(40)]
    for path in paths:
        path.write_bytes(path.name.encode())
    settle()
    threads = [
        threading.Thread(target=lambda part=paths[start::4]: FileHasher(cache).digests(part))
        for start in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    hasher = FileHasher(cache)
    assert hasher.digests(paths) == expected(paths)
    assert hasher.hashed == 0


def test_a_file_that_grows_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "growing.bin"
    path.write_bytes(b"x" * 1000)

    sha256 = hashlib.sha256

    class Growing:
        """sha256 that appends to the file it is given."""

        def __init__(self) -> None:
            self._inner = sha256()

        def update(self, data: bytes) -> None:
            if path.stat().st_size == 1000:
                with path.open("ab") as file:
                    file.write(b"more")
            self._inner.update(data)

        def hexdigest(self) -> str:
            return self._inner.hexdigest()

    monkeypatch.setattr(hashing.hashlib, "sha256", Growing)
    with pytest.raises(IntegrityError, match="changed while it was being read"):
        hash_file(path)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    hasher = FileHasher(tmp_path / "files.jsonl")
    with pytest.raises(UsageError, match="regular file"):
        hasher.digests([pipe])
    for path in (pipe, tmp_path):
        with pytest.raises(UsageError, match="regular file"):
            hash_file(path)
    with pytest.raises(UnavailableError, match="No such file"):
        hasher.digests([tmp_path / "absent"])
    with pytest.raises(UnavailableError, match="No such file"):
        hash_file(tmp_path / "absent")
    assert hasher.digests([]) == {}
