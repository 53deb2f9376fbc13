"""The runtime over a real ledger and a real store, step by step and without HTTP."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

import pytest

import damage
from delivery import intent
from gatekeeper.adapters.records import RotatingRecords
from gatekeeper.cli.serving import service_of
from gatekeeper.ops.promote import promote
from stages import advance, make_stage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from delivery import Delivery
    from gatekeeper.runtime.app import Service


@pytest.fixture
def stage(tmp_path: Path) -> Delivery:
    return make_stage(tmp_path)


def play(stage: Delivery, story: Callable[[Service], Awaitable[None]]) -> None:
    """Tell a story of one service, from its start to its end."""

    async def whole() -> None:
        records = RotatingRecords(stage.root / "records")
        service = service_of(stage.project, "local", records, None)
        try:
            await service.follower.check()
            await story(service)
        finally:
            await service.switch.drain()
            service.records.close(1)
            records.close()

    asyncio.run(whole())


def serves(service: Service) -> tuple[str, int] | None:
    live = service.switch.current
    return (live.release, live.target.serial) if live else None


def trouble(service: Service) -> str:
    found = service.follower.trouble
    return f"{found.code}: {found.where}: {found.what}" if found else ""


def test_each_entry_is_followed(tmp_path: Path) -> None:
    stage = make_stage(tmp_path, 0)

    async def story(service: Service) -> None:
        assert (serves(service), trouble(service)[:5]) == (None, "empty")
        for serial, release in enumerate((stage.v1, stage.v2, stage.v1), 1):
            advance(stage)
            await service.follower.check()
            assert (serves(service), trouble(service)) == ((release, serial), "")

    play(stage, story)


def test_several_new_entries_are_one_swap(stage: Delivery) -> None:
    async def story(service: Service) -> None:
        advance(stage)
        advance(stage)
        await service.follower.check()
        found = (serves(service), service.follower.counters.swaps)
        assert found == ((stage.v1, 3), 1)

    play(stage, story)


@pytest.mark.parametrize("harm", damage.ALL)
def test_a_bad_head_is_refused_and_named(stage: Delivery, harm: Callable[[Delivery], None]) -> None:
    async def story(service: Service) -> None:
        advance(stage)
        harm(stage)
        await service.follower.check()
        assert serves(service) == (stage.v1, 1)
        assert trouble(service).startswith("integrity: ")
        assert any(name in trouble(service) for name in ("00000002.json", stage.v2, "index.json"))

    play(stage, story)


@pytest.mark.parametrize("harm", damage.ALL)
def test_a_bad_head_is_refused_from_the_start(
    stage: Delivery, harm: Callable[[Delivery], None]
) -> None:
    async def story(service: Service) -> None:
        assert serves(service) is None
        assert trouble(service).startswith("integrity: ")

    advance(stage)
    harm(stage)
    play(stage, story)


def test_an_altered_entry_in_the_middle_is_refused_from_the_start(stage: Delivery) -> None:
    async def story(service: Service) -> None:
        assert serves(service) is None
        assert "00000002.json" in trouble(service)

    advance(stage)
    advance(stage)
    damage.altered_entry(stage)
    play(stage, story)


def test_a_head_that_is_replaced_under_its_number_is_refused(
    stage: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatekeeper.runtime.follower.AUDIT", 0.0)

    async def story(service: Service) -> None:
        await service.follower.check()
        assert trouble(service) == ""
        (stage.ledger() / "00000002.json").unlink()
        assert promote(stage.site(), stage.v2, intent(), stage.signer()).written
        await service.follower.check()
        assert serves(service) == (stage.v2, 2)
        assert "another entry than before" in trouble(service)

    advance(stage)
    play(stage, story)


def test_a_ledger_that_was_tampered_with_and_restored_is_followed_again(
    stage: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatekeeper.runtime.follower.AUDIT", 0.0)
    monkeypatch.setattr("gatekeeper.runtime.follower.RETRY_FIRST", 0.0)
    kept = stage.root / "kept"

    async def story(service: Service) -> None:
        shutil.copytree(stage.ledger(), kept)
        (stage.ledger() / "00000002.json").unlink()
        await service.follower.check()
        assert "went back to entry 1" in trouble(service)
        assert promote(stage.site(), stage.v2, intent(), stage.signer()).written
        await service.follower.check()
        assert "history was rewritten" in trouble(service)
        shutil.copy(kept / "00000002.json", stage.ledger())
        await service.follower.check()
        advance(stage)
        await service.follower.check()
        assert (serves(service), trouble(service)) == ((stage.v1, 3), "")

    advance(stage)
    play(stage, story)


def test_a_ledger_that_is_away_may_come_back(stage: Delivery) -> None:
    away = stage.root / "away"

    async def story(service: Service) -> None:
        shutil.move(stage.ledger(), away)
        await service.follower.check()
        assert (serves(service), trouble(service)[:11]) == ((stage.v1, 1), "unavailable")
        shutil.move(away, stage.ledger())
        advance(stage)
        await service.follower.check()
        assert (serves(service), trouble(service)) == ((stage.v2, 2), "")

    play(stage, story)


def test_settings_count_from_the_next_look_on(
    stage: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatekeeper.runtime.follower.AUDIT", 0.0)

    async def story(service: Service) -> None:
        path = stage.project.environment_file("local")
        path.write_text(path.read_text().replace("keys: true", "keys: false"))
        await service.follower.check()
        assert serves(service) == (stage.v1, 1)
        assert "development key" in trouble(service)

    play(stage, story)


def test_a_remembered_digest_is_not_believed(stage: Delivery) -> None:
    """Whoever can write the cache could otherwise have any weights served as the released ones."""

    async def story(service: Service) -> None:
        assert serves(service) is None
        assert trouble(service).startswith("integrity: ")

    advance(stage)
    damage.forged_digest(stage)
    play(stage, story)
