from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from delivery import Delivery, intent, make_delivery, revoke
from gatekeeper.adapters import keyring as keyrings
from gatekeeper.adapters.signing import LocalSigner
from gatekeeper.cli.wiring import store_of
from gatekeeper.errors import IntegrityError, UndecidedError
from gatekeeper.ops import ledger
from gatekeeper.ops.history import history
from gatekeeper.ops.promote import promote
from gatekeeper.ops.rollback import rollback

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.core.admission import Moved


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    """v1 was promoted, then v2."""
    made = make_delivery(tmp_path)
    made.decide(made.v1)
    promote(made.site(), made.v1, intent(), made.signer())
    made.decide(made.v2, made.v1)
    promote(made.site(), made.v2, intent(), made.signer())
    return made


def rolled_back(delivery: Delivery, to: str | None = None, **changes: Any) -> Moved:
    return rollback(delivery.site(), intent(**changes), delivery.signer(), to=to)


def test_the_last_good_release_comes_back_in_one_entry(delivery: Delivery) -> None:
    moved = rolled_back(delivery, reason="slow")
    assert (moved.exit_code, moved.written, moved.before) == (0, True, delivery.v2)
    found = ledger.head(delivery.site())
    assert found is not None
    entry = found.entry
    assert (entry.serial, entry.action, entry.reason) == (3, "rollback", "slow")
    assert entry.state.stable.release == delivery.v1
    assert entry.state.stable.since == 3
    assert entry.state.stable.promoted == 1
    assert entry.relied_on == ledger.read_entry(delivery.site(), 1).entry.relied_on
    assert history(delivery.site()).sound


def test_what_was_rolled_back_from_is_not_gone_back_to(delivery: Delivery) -> None:
    rolled_back(delivery)
    with pytest.raises(UndecidedError, match="nothing good was stable before desk"):
        rolled_back(delivery)


def test_it_can_be_named(delivery: Delivery) -> None:
    rolled_back(delivery)
    moved = rolled_back(delivery, to=delivery.v2)
    assert moved.exit_code == 0
    found = ledger.head(delivery.site())
    assert found is not None
    assert found.entry.state.stable.release == delivery.v2
    assert found.entry.state.stable.promoted == 4
    assert rolled_back(delivery).exit_code == 0


def test_a_rollback_to_what_is_stable_does_nothing(delivery: Delivery) -> None:
    moved = rolled_back(delivery, to=delivery.v2)
    assert moved.unchanged
    assert delivery.site().ledger.head() == 2


def test_a_release_that_never_was_stable_needs_a_verdict(delivery: Delivery) -> None:
    site = delivery.site("local")
    fresh = make_delivery(delivery.root.parent / "fresh")
    fresh.decide(fresh.v1)
    promote(fresh.site(), fresh.v1, intent(), fresh.signer())
    moved = rollback(fresh.site(), intent(), fresh.signer(), to=fresh.v2)
    assert moved.exit_code == 3
    assert moved.admission.reasons[0].code == "verdict-absent"
    fresh.decide(fresh.v2, fresh.v1)
    assert rollback(fresh.site(), intent(), fresh.signer(), to=fresh.v2).exit_code == 0
    assert site.ledger.head() == 2


def test_an_empty_ledger_has_nothing_to_go_back_to(tmp_path: Path) -> None:
    delivery = make_delivery(tmp_path)
    with pytest.raises(UndecidedError, match="nothing was ever promoted"):
        rolled_back(delivery)


def test_a_release_whose_content_is_damaged_is_not_gone_back_to(delivery: Delivery) -> None:
    name = delivery.v1.removeprefix("sha256:")
    (delivery.project.store / "blobs/sha256" / name).unlink()
    moved = rolled_back(delivery)
    assert (moved.exit_code, moved.written) == (1, False)
    assert delivery.site().ledger.head() == 2


def test_a_dry_run_writes_nothing(delivery: Delivery) -> None:
    assert not rolled_back(delivery, dry_run=True).written
    assert delivery.site().ledger.head() == 2


def test_old_damage_does_not_stand_in_the_way(delivery: Delivery) -> None:
    delivery.decide(delivery.v1, delivery.v2)
    promote(delivery.site(), delivery.v1, intent(), delivery.signer())
    (delivery.ledger() / "00000001.json").write_bytes(b"{")
    assert not history(delivery.site()).sound
    assert rolled_back(delivery).exit_code == 0


def test_a_damaged_head_stops_everything(delivery: Delivery) -> None:
    path = delivery.ledger() / "00000002.json"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(IntegrityError, match="not a signed bundle"):
        rolled_back(delivery)


def test_an_altered_entry_before_the_head_is_noticed(delivery: Delivery) -> None:
    path = delivery.ledger() / "00000001.json"
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(IntegrityError, match="does not follow the entry before it"):
        rolled_back(delivery)


def test_after_a_key_was_lost_another_takes_over(delivery: Delivery, tmp_path: Path) -> None:
    new = keyrings.new_key(("promote",), password="", development=True)
    new.write(tmp_path, "new")
    signer = LocalSigner(tmp_path / "new.key", new.key.id, "")
    site = revoke(delivery.site(), delivery.signer().key_id, new.key)
    found = history(site)
    assert not found.sound
    assert "no later entry vouches for it" in found.lines[-1].findings[0]
    with pytest.raises(IntegrityError, match="was revoked: lost"):
        rollback(site, intent(), signer)
    assert rollback(site, intent(take_over=True), signer).exit_code == 0
    found = history(site)
    assert found.sound
    assert "a later entry vouches" in found.lines[0].note


def test_statements_of_the_release_are_still_needed(delivery: Delivery) -> None:
    site = delivery.site()
    signer = store_of(delivery.project)
    assert signer.referrers(delivery.v1)
    site = revoke(site, delivery.signer("release").key_id)
    moved = rollback(site, intent(), delivery.signer())
    assert moved.exit_code == 1
    assert moved.admission.reasons[0].code == "signature"
