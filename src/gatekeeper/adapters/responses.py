"""The response cache of a project: a SQLite file that may be lost at any time.

Several evaluations may use it at once. A damaged file is removed and begun anew, since it holds
nothing that cannot be generated again; a damaged value is no value. Where the disk refuses, nothing
more is remembered: an evaluation does not end for want of a cache.
"""

from __future__ import annotations

import json
import sqlite3
import time
import zlib
from contextlib import suppress
from dataclasses import fields
from typing import TYPE_CHECKING, Final

from gatekeeper.ports import Generation

if TYPE_CHECKING:
    from pathlib import Path

RESPONSES: Final = "responses.sqlite"
_SCHEMA: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS responses (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""
_PARTS: Final = tuple(one.name for one in fields(Generation))
_WAIT: Final = 10.0
"""Seconds for which a writer, or an opener, waits for another one."""
_PAUSE: Final = 0.01


class ResponseCache:
    """Answers by what decides them.

    Attributes:
        suspended: Neither read nor written, since answers have to be timed.
        trouble: Why nothing more is remembered, where the disk has refused.
    """

    def __init__(self, path: Path) -> None:
        self.suspended = False
        self.trouble = ""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = _sound(path)
        except (sqlite3.Error, OSError) as error:
            self.trouble = f"the response cache cannot be used: {error}"
            self._database = sqlite3.connect(":memory:")

    def get(self, key: bytes) -> Generation | None:
        """The answer, or None where there is no sound one."""
        if self.suspended or self.trouble:
            return None
        try:
            row = self._database.execute(
                "SELECT value FROM responses WHERE key = ?", (key,)
            ).fetchone()
        except sqlite3.Error:
            return None
        return _unpacked(key, row[0]) if row else None

    def put(self, key: bytes, made: Generation) -> None:
        """Keep an answer, if the disk allows it."""
        if self.suspended or self.trouble:
            return
        try:
            with self._database:
                self._database.execute(
                    "INSERT OR REPLACE INTO responses VALUES (?, ?)", (key, _packed(key, made))
                )
        except sqlite3.Error as error:
            self.trouble = f"the response cache cannot be written: {error}"

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def _sound(path: Path) -> sqlite3.Connection:
    """The database; a file that is damaged, or is none, makes room for a new one."""
    try:
        return _opened(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        _remove(path)
        return _opened(path)


def _opened(path: Path) -> sqlite3.Connection:
    """The database, once others let go of it: SQLite does not wait to change its mode."""
    until = time.monotonic() + _WAIT
    while True:
        try:
            return _connected(path)
        except sqlite3.OperationalError as error:
            if not _busy(error) or time.monotonic() > until:
                raise
            time.sleep(_PAUSE)


def _busy(error: sqlite3.Error) -> bool:
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # the rest of it tells the kind


def _connected(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=_WAIT, check_same_thread=False)
    try:
        database.executescript(_SCHEMA)
        database.execute("SELECT count(*) FROM (SELECT 1 FROM responses LIMIT 1)").fetchone()
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).unlink()


def _packed(key: bytes, made: Generation) -> bytes:
    parts = {name: getattr(made, name) for name in _PARTS}
    content = json.dumps(parts, separators=(",", ":")).encode()
    return zlib.crc32(key + content).to_bytes(4) + content


def _unpacked(key: bytes, value: object) -> Generation | None:
    if not isinstance(value, bytes):
        return None
    check, content = value[:4], value[4:]
    if zlib.crc32(key + content).to_bytes(4) != check:
        return None
    try:
        return Generation(**json.loads(content))
    except (TypeError, ValueError):
        return None
