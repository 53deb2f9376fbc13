"""Following a ledger step by step, with a ledger that can be broken in every way."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from gatekeeper.errors import IntegrityError, UnavailableError
from gatekeeper.runtime import follower as module
from gatekeeper.runtime.follower import Follower
from gatekeeper.runtime.following import Mark, Target
from gatekeeper.runtime.live import Switch
from gatekeeper.runtime.watermark import Watermark

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path


class Books:
    """A ledger in memory: a list of releases, and what is wrong with some entries."""

    def __init__(self, *releases: str | None) -> None:
        self.releases = list(releases)
        self.bad: dict[int, Exception] = {}
        self.unopenable: dict[str, Exception] = {}
        self.down: Exception | None = None
        self.open_now: list[str] = []
        self.reads = 0
        self.meanwhile: list[str] = []
        """Promoted while a release is being opened."""

    def head(self) -> int:
        if self.down:
            raise self.down
        return len(self.releases)

    def target(self, serial: int) -> Target:
        self.reads += 1
        if serial in self.bad:
            raise self.bad[serial]
        release = self.releases[serial - 1] if serial else None
        return Target("L", serial, self.entry(serial), release)

    def entry(self, serial: int) -> str:
        return f"{serial}:{self.releases[serial - 1]}" if serial else ""

    @asynccontextmanager
    async def open(self, target: Target) -> AsyncIterator[Any]:
        release = target.release or ""
        if release in self.unopenable:
            raise self.unopenable[release]
        self.open_now.append(release)
        if self.meanwhile:
            self.releases.append(self.meanwhile.pop())
        yield release
        self.open_now.remove(release)


class Stage:
    """A follower and all around it."""

    def __init__(self, books: Books, directory: Path) -> None:
        self.books = books
        self.switch = Switch()
        self.watermark = Watermark(directory / "served.json")
        self.follower = Follower(books, self.switch, self.watermark)

    @property
    def serves(self) -> tuple[str, int] | None:
        live = self.switch.current
        return (live.release, live.target.serial) if live else None

    @property
    def trouble(self) -> str:
        return self.follower.trouble.what if self.follower.trouble else ""

    async def check(self) -> None:
        await self.follower.check()


def play(story: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await story()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others)

    asyncio.run(whole())


def test_an_empty_ledger_is_said(tmp_path: Path) -> None:
    stage = Stage(Books(), tmp_path)

    async def story() -> None:
        assert stage.trouble == "loading"
        await stage.check()
        assert stage.serves is None
        assert "no release has been promoted" in stage.trouble
        stage.books.releases.append("v1")
        await stage.check()
        assert (stage.serves, stage.trouble) == (("v1", 1), "")
        assert stage.watermark.read() == Mark("L", 1, "1:v1")

    play(story)


def test_each_new_head_is_swapped_in_and_the_old_one_closed(tmp_path: Path) -> None:
    stage = Stage(Books("v1"), tmp_path)

    async def story() -> None:
        await stage.check()
        stage.books.releases += ["v4"]
        await stage.check()
        await asyncio.sleep(0.01)
        assert (stage.serves, stage.books.open_now) == (("v4", 2), ["v4"])
        stage.books.releases += ["v4"]
        await stage.check()
        assert (stage.serves, stage.books.open_now) == (("v4", 3), ["v4"])
        assert stage.follower.counters.swaps == 2

    play(story)


def test_an_unchanged_head_is_not_read_again(tmp_path: Path) -> None:
    stage = Stage(Books("v1"), tmp_path)

    async def story() -> None:
        for _ in range(5):
            await stage.check()
        assert stage.books.reads == 1

    play(story)


def test_an_unchanged_head_is_audited_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AUDIT", 0.0)
    stage = Stage(Books("v1"), tmp_path)

    async def story() -> None:
        await stage.check()
        stage.books.bad[1] = IntegrityError("altered", where="entry 1")
        await stage.check()
        assert (stage.serves, stage.trouble) == (("v1", 1), "altered")

    play(story)


BROKEN = [IntegrityError("forged"), OSError(5, "forged"), KeyError("forged")]


@pytest.mark.parametrize("error", BROKEN)
def test_a_bad_head_keeps_the_last_good_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    stage = Stage(Books("v1"), tmp_path)

    async def story() -> None:
        await stage.check()
        stage.books.bad[2] = error
        stage.books.releases.append("v4")
        for _ in range(4):
            await stage.check()
        assert stage.serves == ("v1", 1)
        assert "forged" in stage.trouble
        assert stage.follower.counters.refused == 1
        stage.books.releases.append("v5")
        await stage.check()
        assert (stage.serves, stage.trouble) == (("v5", 3), "")

    play(story)
    assert caplog.text.count("refused:") == 1
    assert "still serving entry 1" in caplog.text
    assert "good again" in caplog.text


def test_a_release_that_cannot_be_opened_keeps_the_last_good_one(tmp_path: Path) -> None:
    books = Books("v1")
    stage = Stage(books, tmp_path)

    async def story() -> None:
        await stage.check()
        books.unopenable["v4"] = UnavailableError("model file altered")
        books.releases.append("v4")
        await stage.check()
        assert (stage.serves, stage.trouble) == (("v1", 1), "model file altered")
        assert stage.watermark.read() == Mark("L", 1, "1:v1")

    play(story)


def test_a_head_that_recovers_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_FIRST", 0.01)
    stage = Stage(Books("v1"), tmp_path)

    async def story() -> None:
        stage.books.bad[1] = IntegrityError("truncated")
        await stage.check()
        await stage.check()
        assert (stage.serves, stage.books.reads) == (None, 1)
        stage.books.bad.clear()
        await asyncio.sleep(0.05)
        await stage.check()
        assert stage.serves == ("v1", 1)

    play(story)


def test_a_ledger_that_is_down_changes_nothing(tmp_path: Path) -> None:
    stage = Stage(Books("v1"), tmp_path)

    async def story() -> None:
        await stage.check()
        stage.books.down = OSError(5, "Input/output error")
        await stage.check()
        assert stage.serves == ("v1", 1)
        assert "Input/output error" in stage.trouble
        stage.books.down = None
        await stage.check()
        assert stage.trouble == ""

    play(story)


def test_a_lower_serial_is_refused(tmp_path: Path) -> None:
    stage = Stage(Books("v1", "v4", "v1"), tmp_path)

    async def story() -> None:
        await stage.check()
        del stage.books.releases[2:]
        await stage.check()
        assert stage.serves == ("v1", 3)
        assert "went back" in stage.trouble

    play(story)


def test_a_lower_serial_is_refused_after_a_restart_too(tmp_path: Path) -> None:
    async def story() -> None:
        await Stage(Books("v1", "v4", "v1"), tmp_path).check()
        again = Stage(Books("v1", "v4"), tmp_path)
        await again.check()
        assert again.serves is None
        assert "went back" in again.trouble

    play(story)


def test_rewritten_history_is_refused(tmp_path: Path) -> None:
    async def story() -> None:
        await Stage(Books("v1", "v4"), tmp_path).check()
        again = Stage(Books("v1", "v2", "v4"), tmp_path)
        await again.check()
        assert again.serves is None
        assert "rewritten" in again.trouble

    play(story)


def test_a_restart_under_a_bad_head_serves_the_last_good_entry(tmp_path: Path) -> None:
    async def story() -> None:
        await Stage(Books("v1", "v4"), tmp_path).check()
        books = Books("v1", "v4", "v5")
        books.bad[3] = IntegrityError("unsigned")
        again = Stage(books, tmp_path)
        await again.check()
        assert (again.serves, again.trouble) == (("v4", 2), "unsigned")

    play(story)


def test_a_release_that_the_ledger_has_left_meanwhile_is_not_served(tmp_path: Path) -> None:
    stage = Stage(Books("v1"), tmp_path)

    async def story() -> None:
        await stage.check()
        stage.books.meanwhile = ["v1"]
        stage.books.releases.append("v4")
        await stage.check()
        assert (stage.serves, stage.books.open_now) == (("v1", 3), ["v1"])
        assert stage.follower.counters.swaps == 1
        assert stage.watermark.read() == Mark("L", 3, "3:v1")

    play(story)


def test_a_restart_with_nothing_good_serves_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        await Stage(Books("v1", "v4"), tmp_path).check()
        books = Books("v1", "v4", "v5")
        books.bad = {2: IntegrityError("altered"), 3: IntegrityError("unsigned")}
        again = Stage(books, tmp_path)
        await again.check()
        assert (again.serves, again.trouble) == (None, "unsigned")

    play(story)
    assert "entry 2, the last one served, is refused too" in caplog.text


def test_a_damaged_watermark_is_refused(tmp_path: Path) -> None:
    stage = Stage(Books("v1"), tmp_path)
    stage.watermark.path.write_text("{")

    async def story() -> None:
        await stage.check()
        assert stage.serves is None
        assert "cannot be read" in stage.trouble

    play(story)


def test_a_watermark_that_cannot_be_written_does_not_withhold_a_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage(Books("v1"), tmp_path)
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "full")))

    async def story() -> None:
        await stage.check()
        assert stage.serves == ("v1", 1)

    play(story)
    assert "highest serial served was not written" in caplog.text


def test_running_goes_on_until_cancelled(tmp_path: Path) -> None:
    stage = Stage(Books("v1"), tmp_path)

    async def story() -> None:
        task = asyncio.create_task(stage.follower.run(0.01))
        await asyncio.sleep(0.1)
        stage.books.releases.append("v4")
        await asyncio.sleep(0.1)
        task.cancel()
        assert stage.serves == ("v4", 2)
        with pytest.raises(asyncio.CancelledError):
            await task

    play(story)
