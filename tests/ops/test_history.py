from __future__ import annotations

import base64
import json
import shutil
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from delivery import Delivery, intent, make_delivery, revoke
from gatekeeper.cli.wiring import store_of
from gatekeeper.errors import IntegrityError
from gatekeeper.model.ledger import LedgerEntry
from gatekeeper.model.statement import LEDGER_ENTRY, VERDICT, Statement
from gatekeeper.ops import ledger
from gatekeeper.ops.history import history
from gatekeeper.ops.promote import promote
from gatekeeper.ops.rollback import rollback
from gatekeeper.ops.status import status
from gatekeeper.ops.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    """v1, v2, and back to v1."""
    made = make_delivery(tmp_path)
    made.decide(made.v1)
    promote(made.site(), made.v1, intent(reason="first"), made.signer())
    made.decide(made.v2, made.v1)
    promote(made.site(), made.v2, intent(actor="bob"), made.signer())
    rollback(made.site(), intent(reason="slow"), made.signer())
    return made


def findings(delivery: Delivery) -> dict[int, str]:
    found = history(delivery.site())
    return {line.serial: "; ".join(line.findings) for line in found.lines if line.findings}


def test_a_sound_history_is_read_from_first_to_last(delivery: Delivery) -> None:
    found = history(delivery.site())
    assert found.sound
    entries = [line.recorded.entry for line in found.lines if line.recorded]
    assert [(entry.action, entry.actor) for entry in entries] == [
        ("promote", "ada"),
        ("promote", "bob"),
        ("rollback", "ada"),
    ]


def test_an_empty_history_is_sound(tmp_path: Path) -> None:
    assert history(make_delivery(tmp_path).site()).sound


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def altered(path: Path) -> None:
    bundle = json.loads(path.read_bytes())
    payload = base64.b64decode(bundle["dsseEnvelope"]["payload"])
    changed = payload.replace(b'"actor":"bob"', b'"actor":"eve"')
    assert changed != payload
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(changed).decode()
    path.write_text(json.dumps(bundle))


def respaced(path: Path) -> None:
    """The same entry in other bytes: its signature holds, its digest is another."""
    path.write_text(json.dumps(json.loads(path.read_bytes()), indent=1))


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (truncated, {2: "not a signed bundle", 3: "not the one that it followed"}),
        (altered, {2: "does not match the content", 3: "not the one that it followed"}),
        (respaced, {3: "does not name the previous entry by its sha256"}),
    ],
)
def test_damage_is_named_where_it_is(
    delivery: Delivery, damage: Callable[[Path], None], found: dict[int, str]
) -> None:
    damage(delivery.ledger() / "00000002.json")
    said = findings(delivery)
    assert said.keys() == found.keys()
    assert all(found[serial] in said[serial] for serial in found)


def test_an_entry_under_the_name_of_another_is_named(delivery: Delivery) -> None:
    directory = delivery.ledger()
    shutil.copy(directory / "00000001.json", directory / "00000002.json")
    assert "it is entry 1, under the name of another" in findings(delivery)[2]


def test_entries_that_are_gone_are_named(delivery: Delivery) -> None:
    directory = delivery.ledger()
    (directory / "00000002.json").rename(directory / "00000007.json")
    assert findings(delivery) == {
        2: "entry 2 is missing",
        3: "the previous entry is not the one that it followed",
        6: "entries 4 to 6 are missing",
        7: "it is entry 2, under the name of another",
    }
    (directory / "00000001.json").unlink()
    with pytest.raises(IntegrityError, match="later entries are there"):
        history(delivery.site())


def test_an_entry_of_another_environment_is_named(delivery: Delivery) -> None:
    for path in delivery.ledger().iterdir():
        shutil.copy(path, delivery.ledger("prod") / path.name)
    found = history(delivery.site("prod"))
    assert all("development key" in line.findings[0] for line in found.lines)


def rewritten(delivery: Delivery, serial: int, **changes: Any) -> None:
    """Sign another entry with the right key: what a dishonest promoter could do."""
    entry = ledger.read_entry(delivery.site(), serial).entry
    changed = LedgerEntry.model_validate(entry.model_copy(update=changes))
    write(delivery, serial, ledger.seal(changed, delivery.signer()))


def write(delivery: Delivery, serial: int, data: bytes) -> None:
    (delivery.ledger() / f"{serial:08d}.json").write_bytes(data)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"environment": "prod"}, "it belongs to the environment prod"),
        ({"lineage": "f" * 32}, "it belongs to another ledger"),
        ({"action": "promote"}, "it promotes what it says was promoted by entry 1"),
        ({"previous": None}, "it does not name the previous entry"),
    ],
)
def test_an_illegal_entry_is_named_although_it_is_signed(
    delivery: Delivery, changes: dict[str, Any], what: str
) -> None:
    rewritten(delivery, 3, **changes)
    assert what in findings(delivery)[3]


def test_a_statement_that_is_no_entry_is_named(delivery: Delivery) -> None:
    from gatekeeper.core import dsse

    signer = delivery.signer()
    for predicate_type, subject, what in (
        (VERDICT, delivery.v1, "of type"),
        (LEDGER_ENTRY, delivery.v1, "no entry that this version understands"),
    ):
        statement = Statement.about(subject, predicate_type, {"schema_version": 2})
        write(delivery, 3, dsse.seal(statement, signer.key_id, signer.sign))
        assert what in findings(delivery)[3]


def test_an_entry_is_signed_for_the_release_that_it_makes_stable(delivery: Delivery) -> None:
    from gatekeeper.core import dsse

    signer = delivery.signer()
    entry = ledger.read_entry(delivery.site(), 3).entry
    statement = Statement.about(delivery.v2, LEDGER_ENTRY, entry.model_dump(mode="json"))
    write(delivery, 3, dsse.seal(statement, signer.key_id, signer.sign))
    assert "signed for another release" in findings(delivery)[3]


def test_status_says_what_is_live_and_by_whom(delivery: Delivery) -> None:
    found = status(delivery.site())
    assert found.head is not None
    assert found.head.entry.state.stable.release == delivery.v1
    assert found.release is not None
    assert found.verdict is not None
    assert found.verdict.outcome == "pass"
    assert [role for role, _ in found.keys] == ["promote", "release", "gate"]
    assert found.problems == ()


def test_status_of_an_empty_environment(tmp_path: Path) -> None:
    assert status(make_delivery(tmp_path).site()).head is None


def forget(delivery: Delivery, predicate_type: str) -> None:
    """Take statements of a kind out of the store's index."""
    path = delivery.project.store / "index.json"
    index = json.loads(path.read_bytes())
    index["manifests"] = [
        one
        for one in index["manifests"]
        if one["annotations"].get("dev.sigstore.bundle.predicateType") != predicate_type
    ]
    path.write_text(json.dumps(index))


def test_status_names_everything_that_is_missing(delivery: Delivery) -> None:
    wanted = ledger.read_entry(delivery.site(), 3).entry.relied_on.verdict
    forget(delivery, VERDICT)
    forget(delivery, "https://sigstore.dev/cosign/sign/v1")
    (delivery.project.store / "blobs/sha256" / delivery.v1.removeprefix("sha256:")).unlink()
    found = status(delivery.site())
    assert len(found.problems) == 3
    assert "is missing" in found.problems[0]
    assert found.problems[1:] == (
        "the release is not signed",
        f"the verdict that the ledger relies on ({wanted}) is not in the store",
    )


def test_status_names_keys_that_do_not_count(delivery: Delivery) -> None:
    found = status(revoke(delivery.site(), delivery.signer("release").key_id))
    assert "was revoked: lost" in found.problems[0]


def test_an_entry_of_a_key_that_was_not_valid_then_is_refused(delivery: Delivery) -> None:
    from gatekeeper.adapters.signing import KeyringVerifier

    site = delivery.site()
    assert isinstance(site.verifier, KeyringVerifier)
    keyring = site.verifier.keyring
    later = intent().now + timedelta(days=1)
    keys = tuple(key.model_copy(update={"notBefore": later}) for key in keyring.keys)
    verifier = KeyringVerifier(keyring.model_copy(update={"keys": keys}))
    found = history(replace(site, verifier=verifier))
    assert all("is not valid before" in line.findings[0] for line in found.lines)


def test_a_verdict_that_this_version_does_not_know_is_no_evidence(tmp_path: Path) -> None:
    from gatekeeper.adapters.signing import sign_statement
    from gatekeeper.ops.evidence import relied_on

    delivery = make_delivery(tmp_path)
    statement = Statement.about(delivery.v1, VERDICT, {"outcome": "pass"})
    bundle = sign_statement(statement, delivery.signer("gate"))
    digest = store_of(delivery.project).attach(delivery.v1, bundle, VERDICT)
    with pytest.raises(IntegrityError, match="is unreadable"):
        relied_on(delivery.site(), delivery.v1, digest)


def test_what_is_stable_and_what_was_may_be_served(delivery: Delivery) -> None:
    now = intent().now
    for release, standing in ((delivery.v1, "stable"), (delivery.v2, "was-stable")):
        found = verify(delivery.site(), release, now=now)
        assert found.standing == standing
        assert found.accepted


def test_evidence_that_is_gone_takes_the_right_away(delivery: Delivery) -> None:
    forget(delivery, VERDICT)
    found = verify(delivery.site(), delivery.v1, now=intent().now)
    assert not found.accepted
    assert found.admission.reasons[0].code == "evidence-missing"


def test_a_release_that_is_not_there_may_not_be_served(delivery: Delivery) -> None:
    (delivery.project.store / "blobs/sha256" / delivery.v1.removeprefix("sha256:")).unlink()
    found = verify(delivery.site(), delivery.v1, now=intent().now)
    assert [reason.code for reason in found.admission.reasons] == ["content"]


def test_a_new_release_needs_what_a_promotion_needs(tmp_path: Path) -> None:
    delivery = make_delivery(tmp_path)
    found = verify(delivery.site(), delivery.v1, now=intent().now)
    assert (found.standing, found.accepted) == ("new", False)
    delivery.decide(delivery.v1)
    assert verify(delivery.site(), delivery.v1, now=intent().now).accepted
    promote(delivery.site(), delivery.v1, intent(), delivery.signer())
    found = verify(delivery.site(), delivery.v2, now=intent().now)
    assert found.admission.reasons[0].code == "verdict-absent"
    assert store_of(delivery.project).list()
