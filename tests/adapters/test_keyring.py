from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from gatekeeper.adapters import keyring as keyrings
from gatekeeper.adapters.keyring import KeyDirectory, NewKey
from gatekeeper.errors import (
    IntegrityError,
    RefusedError,
    UnavailableError,
    UndecidedError,
)
from gatekeeper.model.keyring import Key, Keyring

if TYPE_CHECKING:
    from pathlib import Path

ROOT = keyrings.new_key(("root",), password="", development=True)
GATE = keyrings.new_key(("gate",), password="secret")  # noqa: S106
OTHER = keyrings.new_key(("root",), password="", development=True)


@pytest.fixture
def keys(tmp_path: Path) -> KeyDirectory:
    """A keyring of one root and one gate key, already seen."""
    made = KeyDirectory(tmp_path / "keys", tmp_path)
    ROOT.write(made.path, "root")
    GATE.write(made.path, "gate")
    made.write(keyrings.first((ROOT.key, GATE.key)))
    made.keyring()
    return made


def test_a_keyring_is_read_as_it_was_written(keys: KeyDirectory) -> None:
    found = keys.keyring()
    assert found.version == 1
    assert found.keys == (ROOT.key, GATE.key)
    assert found.find(GATE.key.id) == GATE.key
    assert found.find("0" * 64) is None


def test_private_keys_are_readable_by_their_owner_alone(keys: KeyDirectory) -> None:
    assert (keys.path / "gate.key").stat().st_mode & 0o777 == 0o600
    assert keys.private() == {
        ROOT.key.id: keys.path / "root.key",
        GATE.key.id: keys.path / "gate.key",
    }


def test_the_next_version_replaces_it(keys: KeyDirectory) -> None:
    revoked = GATE.key.model_copy(update={"revokedAt": datetime.now(UTC)})
    keys.write(keyrings.renewed(keys.keyring(), (ROOT.key, revoked)))
    assert keys.keyring().version == 2
    with pytest.raises(RefusedError, match="no current private key for the role gate"):
        keys.signer(keys.keyring(), "gate")


def test_a_lower_version_than_one_seen_is_refused(keys: KeyDirectory) -> None:
    old = (keys.path / "keyring.json").read_bytes()
    keys.write(keyrings.renewed(keys.keyring(), (ROOT.key,)))
    keys.keyring()
    (keys.path / "keyring.json").write_bytes(old)
    with pytest.raises(IntegrityError, match="is version 1, but version 2 was seen"):
        keys.keyring()


def test_another_keyring_of_the_same_version_is_refused(keys: KeyDirectory) -> None:
    keyring = keys.keyring().model_copy(update={"keys": (ROOT.key,)})
    data = keyrings.sign_keyring(keyring, keys.signer(keyring, "root"))
    (keys.path / "keyring.json").write_bytes(data)
    with pytest.raises(IntegrityError, match="another keyring of version 1"):
        keys.keyring()


def test_the_next_version_has_to_be_signed_by_a_root_key_of_the_last(keys: KeyDirectory) -> None:
    OTHER.write(keys.path, "other")
    keyring = keyrings.renewed(keys.keyring(), (OTHER.key,))
    data = keyrings.sign_keyring(keyring, keys.signer(keyring, "root"))
    (keys.path / "keyring.json").write_bytes(data)
    with pytest.raises(IntegrityError, match="no root key in version 1"):
        keys.keyring()


def test_a_new_root_key_is_introduced_by_the_old_one(keys: KeyDirectory) -> None:
    OTHER.write(keys.path, "other")
    keys.write(keyrings.renewed(keys.keyring(), (ROOT.key, OTHER.key)))
    keyring = keys.keyring()
    ended = ROOT.key.model_copy(update={"revokedAt": datetime.now(UTC)})
    (keys.path / "root.key").unlink()
    keys.write(keyrings.renewed(keyring, (ended, OTHER.key)))
    assert keys.keyring().version == 3


def test_an_expired_keyring_decides_nothing_but_can_be_renewed(keys: KeyDirectory) -> None:
    over = datetime.now(UTC) - timedelta(days=1)
    keys.write(keyrings.renewed(keys.keyring(), (ROOT.key,)).model_copy(update={"expires": over}))
    with pytest.raises(UndecidedError, match="expired on"):
        keys.keyring()
    keys.write(keyrings.renewed(keys.keyring(allow_expired=True), (ROOT.key,)))
    assert keys.keyring().version == 3


def test_an_altered_keyring_is_refused(keys: KeyDirectory) -> None:
    path = keys.path / "keyring.json"
    bundle = json.loads(path.read_bytes())
    bundle["dsseEnvelope"]["payload"] = bundle["dsseEnvelope"]["payload"][:-8]
    path.write_text(json.dumps(bundle))
    with pytest.raises(IntegrityError, match="not a keyring"):
        keys.keyring()
    path.write_bytes(b"{")
    with pytest.raises(IntegrityError, match="not a signed bundle"):
        keys.keyring()


def test_a_keyring_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UndecidedError, match="there is no keyring"):
        KeyDirectory(tmp_path, tmp_path).keyring()
    (tmp_path / "keyring.json").mkdir()
    with pytest.raises(UnavailableError, match="cannot be read"):
        KeyDirectory(tmp_path, tmp_path).keyring()


def test_a_damaged_note_of_what_was_seen_is_not_passed_over(keys: KeyDirectory) -> None:
    (keys.state / "keyring-seen.json").write_text("{}")
    with pytest.raises(IntegrityError, match="note of the newest keyring"):
        keys.keyring()


def test_where_nothing_can_be_written_the_keyring_is_read_all_the_same(
    keys: KeyDirectory, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no directory")
    assert KeyDirectory(keys.path, tmp_path / "file" / "state").keyring() == keys.keyring()
    (tmp_path / "other" / "keyring-seen.json").mkdir(parents=True)
    with pytest.raises(UnavailableError, match="Is a directory"):
        KeyDirectory(keys.path, tmp_path / "other").keyring()


def test_a_password_is_asked_for_and_never_shown(
    keys: KeyDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(keyrings.PASSWORD_VARIABLE, raising=False)
    with pytest.raises(UndecidedError, match="needs its password"):
        keys.signer(keys.keyring(), "gate")
    monkeypatch.setenv(keyrings.PASSWORD_VARIABLE, "secret")
    assert keys.signer(keys.keyring(), "gate").sign(b"x")


def test_of_two_current_keys_the_newer_one_signs(keys: KeyDirectory) -> None:
    newer = NewKey(
        OTHER.key.model_copy(update={"notBefore": datetime.now(UTC)}), OTHER.private, OTHER.public
    )
    newer.write(keys.path, "root-2")
    older = ROOT.key.model_copy(update={"notBefore": datetime.now(UTC) - timedelta(days=9)})
    found = keys.signer(Keyring(version=1, expires=older.notAfter, keys=(newer.key, older)), "root")
    assert found.key_id == newer.key.id


def test_a_file_that_is_no_public_key_is_nobodys(keys: KeyDirectory) -> None:
    (keys.path / "note.pub").write_text("hello")
    (keys.path / "note.key").write_text("hello")
    assert set(keys.private()) == {ROOT.key.id, GATE.key.id, ""}
    keys.signer(keys.keyring(), "root")


def test_a_key_is_listed_once() -> None:
    with pytest.raises(ValueError, match="listed twice"):
        keyrings.first((ROOT.key, ROOT.key))


@pytest.mark.parametrize("key", [ROOT.key, GATE.key])
def test_a_key_is_valid_for_two_years(key: Key) -> None:
    now = datetime.now(UTC)
    assert key.refusal(now + timedelta(days=700)) == ""
    assert "was valid until" in key.refusal(now + timedelta(days=740))
