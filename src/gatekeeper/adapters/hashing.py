"""sha256 of files, remembered for as long as a file has not been touched."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from gatekeeper.adapters.atomic import replace
from gatekeeper.errors import IntegrityError, UnavailableError, UsageError
from gatekeeper.ports import Silent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from gatekeeper.ports import Progress

CHUNK = 1 << 20
RACY_NS = 20_000_000
"""A file written this recently may be written again within one tick of its clock."""
MIN_COMPACT = 1000
Touch = tuple[int, int, int, int, int]
"""Size, mtime, ctime (both ns), inode and device: what changes when a file is written."""


class FileHasher:
    """Digests of files, hashed in parallel and cached in one file that may be lost at any time.

    Args:
        cache: JSON lines, one a file; damaged lines are ignored, so damage means hashing again.
        fresh: Trust nothing that was remembered.
    """

    def __init__(
        self, cache: Path, *, fresh: bool = False, progress: Progress | None = None
    ) -> None:
        self._cache = cache
        self._progress = progress or Silent()
        self._known, lines = ({}, 0) if fresh else _load(cache)
        self._stale = lines > MIN_COMPACT + 2 * len(self._known)
        self.hashed = 0
        """Files whose bytes were read."""

    def digests(self, paths: Sequence[Path]) -> dict[Path, tuple[int, str]]:
        """Size and sha256 (hex) of every file.

        Raises:
            IntegrityError: A file changed while it was read.
            UnavailableError: One is absent or cannot be read.
            UsageError: One is not a regular file.
        """
        found: dict[Path, tuple[int, str]] = {}
        unknown = []
        for path in paths:
            touch = _stat(path)
            known = self._known.get(str(path))
            if known and known[0] == touch:
                found[path] = (touch[0], known[1])
            else:
                unknown.append(path)
        if unknown:
            found.update(self._hash_all(unknown))
        return found

    def _hash_all(self, paths: Sequence[Path]) -> dict[Path, tuple[int, str]]:
        task = "hash model files"
        self._progress.start(task, len(paths))
        new: dict[str, tuple[Touch, str]] = {}
        found = {}
        try:
            with ThreadPoolExecutor(min(len(paths), os.cpu_count() or 1, 8)) as pool:
                for path, (touch, value) in zip(paths, pool.map(hash_file, paths), strict=True):
                    new[str(path)] = touch, value
                    found[path] = touch[0], value
                    self._progress.advance(task)
        finally:
            self.hashed += len(new)
            self._remember(new)
            self._progress.finish(task)
        return found

    def _remember(self, new: Mapping[str, tuple[Touch, str]]) -> None:
        self._known.update(new)
        recent = time.time_ns() - RACY_NS
        lasting = {path: entry for path, entry in new.items() if entry[0][2] < recent}
        if self._stale:
            known = self._known.items()
            replace(self._cache, _lines(entry for entry in known if entry[1][0][2] < recent))
            self._stale = False
        elif lasting:
            self._cache.parent.mkdir(parents=True, exist_ok=True)
            with self._cache.open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                # A line cut short by a crash must not swallow the next one.
                file.write(b"\n" + _lines(lasting.items()))


def hash_file(path: Path) -> tuple[Touch, str]:
    """Read one file to its end; raises `IntegrityError` when it changed meanwhile."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        before = _touch(os.fstat(handle), path)
        value = hashlib.sha256()
        while data := os.read(handle, CHUNK):
            value.update(data)
        after = _touch(os.fstat(handle), path)
    except OSError as error:
        raise _unreadable(path, error) from error
    finally:
        os.close(handle)
    if before != after or after != _stat(path):
        raise IntegrityError(
            "changed while it was being read", where=str(path), fix="let its writer finish first"
        )
    return after, value.hexdigest()


def _stat(path: Path) -> Touch:
    try:
        return _touch(path.stat(), path)
    except OSError as error:
        raise _unreadable(path, error) from error


def _touch(status: os.stat_result, path: Path) -> Touch:
    if not stat.S_ISREG(status.st_mode):
        raise UsageError("is not a regular file", where=str(path), fix="name a file")
    return (
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_ino,
        status.st_dev,
    )


def _unreadable(path: Path, error: OSError) -> UnavailableError:
    return UnavailableError(f"cannot be read: {error.strerror}", where=str(path))


def _load(cache: Path) -> tuple[dict[str, tuple[Touch, str]], int]:
    known: dict[str, tuple[Touch, str]] = {}
    try:
        lines = cache.read_bytes().splitlines()
    except OSError:
        return known, 0
    for line in lines:
        check, _, content = line.partition(b" ")
        if check == _check(content):
            path, touch, value = json.loads(content)
            known[path] = tuple(touch), value
    return known, len(lines)


def _lines(entries: Iterable[tuple[str, tuple[Touch, str]]]) -> bytes:
    contents = [json.dumps([path, *entry]).encode() for path, entry in entries]
    return b"".join(b"%s %s\n" % (_check(content), content) for content in contents)


def _check(content: bytes) -> bytes:
    return b"%08x" % zlib.crc32(content)
