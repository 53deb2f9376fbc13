"""A runtime's view of a ledger: what it may start from, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from delivery import Delivery, revoke
from gatekeeper.core import transitions
from gatekeeper.core.transitions import Change, Tip
from gatekeeper.errors import IntegrityError, UndecidedError
from gatekeeper.model.ledger import ReliedOn
from gatekeeper.ops import ledger
from gatekeeper.ops.follow import admit, follow
from stages import make_stage

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.model.release import Release


@pytest.fixture
def stage(tmp_path: Path) -> Delivery:
    return make_stage(tmp_path, 3)


def now() -> datetime:
    return datetime.now(UTC)


def test_every_entry_up_to_the_one_asked_for_is_read(stage: Delivery) -> None:
    site = stage.site()
    for serial, release in enumerate((stage.v1, stage.v2, stage.v1), 1):
        found = follow(site, serial, known=None)
        assert found.entry.state.stable.release == release
        assert admit(site, found.entry, now=now()).digest == release


def test_what_is_known_is_not_read_again(stage: Delivery) -> None:
    site = stage.site()
    known = follow(site, 2, known=None)
    (stage.ledger() / "00000001.json").write_text("damaged")
    assert follow(site, 3, known=known).entry.serial == 3
    assert follow(site, 2, known=known) == known
    with pytest.raises(IntegrityError):
        follow(site, 3, known=None)


def test_what_is_known_to_come_later_is_no_start(stage: Delivery) -> None:
    site = stage.site()
    assert follow(site, 1, known=follow(site, 3, known=None)).entry.serial == 1


def test_an_entry_that_follows_another_is_refused(stage: Delivery) -> None:
    site = stage.site()
    tip = Tip(follow(site, 3, known=None).entry, "sha256:" + "0" * 64)
    change = Change(release=stage.v2, name="desk", actor="eve", reason="", time=now())
    ledger.append(site, transitions.following(tip, "promote", change), stage.signer())
    with pytest.raises(IntegrityError, match="does not name the previous entry") as caught:
        follow(site, 4, known=None)
    assert "00000004.json" in caught.value.where


def test_a_revoked_key_does_not_count_at_the_head(stage: Delivery) -> None:
    site = stage.site()
    key = follow(site, 3, known=None).key
    revoked = revoke(site, key.id)
    with pytest.raises(IntegrityError, match="was revoked: lost") as caught:
        follow(revoked, 3, known=None)
    assert "take-over" in caught.value.fix


def test_evidence_that_has_gone_is_refused(stage: Delivery) -> None:
    site = stage.site()
    entry = follow(site, 3, known=None).entry
    gone = entry.model_copy(update={"relied_on": ReliedOn(verdict="sha256:" + "0" * 64)})
    with pytest.raises(IntegrityError, match="is not in the store"):
        admit(site, gone, now=now())


def test_an_entry_may_rely_on_one_verdict_of_several(stage: Delivery) -> None:
    stage.decide(stage.v1)
    entry = follow(stage.site(), 3, known=None).entry
    assert admit(stage.site(), entry, now=now()).digest == stage.v1


def test_an_entry_without_evidence_needs_none(stage: Delivery) -> None:
    entry = follow(stage.site(), 3, known=None).entry
    bare = entry.model_copy(update={"relied_on": ReliedOn()})
    assert admit(stage.site(), bare, now=now()).digest == stage.v1


def test_what_is_out_of_reach_is_undecided(stage: Delivery) -> None:
    def away(release: Release) -> None:
        raise UndecidedError(f"{release.name} is on a disk that is not mounted", fix="mount it")

    site = replace(stage.site(), check_models=away)
    entry = follow(site, 3, known=None).entry
    with pytest.raises(UndecidedError, match="not mounted") as caught:
        admit(site, entry, now=now())
    assert caught.value.fix == "mount it"
