from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from gatekeeper.adapters import keyfile, keyring, signing
from gatekeeper.core import dsse
from gatekeeper.errors import IntegrityError
from gatekeeper.model.keyring import Key, Keyring, KeyRole
from gatekeeper.model.statement import RELEASE_SIGNATURE, VERDICT, Statement

if TYPE_CHECKING:
    from pathlib import Path

RELEASE = "sha256:" + "a" * 64


class Held:
    """A signer whose key was never on disk: no scrypt."""

    def __init__(self, role: KeyRole) -> None:
        self.pair = keyfile.generate()
        der = keyfile.spki(self.pair.public_key())
        self.key_id = hashlib.sha256(der).hexdigest()
        self.key = Key(
            id=self.key_id,
            spki=base64.b64encode(der).decode(),
            roles=(role,),
            notBefore=datetime.now(UTC) - timedelta(days=1),
            notAfter=datetime.now(UTC) + timedelta(days=1),
        )

    def sign(self, payload: bytes) -> bytes:
        return self.pair.sign(payload, ec.ECDSA(SHA256()))


RELEASER, JUDGE, STRANGER = Held("release"), Held("gate"), Held("release")


def ring(*keys: Key) -> Keyring:
    return Keyring(version=1, expires=datetime.now(UTC), keys=keys or (RELEASER.key, JUDGE.key))


def signed(signer: Held = RELEASER, predicate_type: str = RELEASE_SIGNATURE) -> bytes:
    return signing.sign_statement(Statement.about(RELEASE, predicate_type, {}), signer)


def changed(key: Key, **changes: Any) -> Key:
    return key.model_copy(update=changes)


def verified(
    bundle: bytes,
    keys: Keyring,
    role: KeyRole,
    predicate_type: str,
    subject: str | None = None,
) -> Statement:
    verifier = signing.KeyringVerifier(keys)
    return verifier.verify(
        bundle, role=role, predicate_type=predicate_type, subject=subject
    ).statement


def test_what_is_signed_is_verified() -> None:
    found = verified(signed(), ring(), "release", RELEASE_SIGNATURE, RELEASE)
    assert found.concerns(RELEASE)
    assert found.predicate == {}


def test_the_raw_json_verifies_by_the_specifications_alone() -> None:
    """Nothing of gatekeeper: DSSE as it is written, and the key that the hint names."""
    bundle = json.loads(signed())
    envelope = bundle["dsseEnvelope"]
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"]
    encoded = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload
    spki = base64.b64decode(RELEASER.key.spki)
    hint = bundle["verificationMaterial"]["publicKey"]["hint"]
    assert base64.b64decode(hint) == hashlib.sha256(spki).digest()
    public = load_der_public_key(spki)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(base64.b64decode(envelope["signatures"][0]["sig"]), encoded, ec.ECDSA(SHA256()))
    statement = json.loads(payload)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["subject"][0]["digest"] == {"sha256": "a" * 64}


def test_an_opaque_hint_does_not_matter() -> None:
    bundle = json.loads(signed())
    bundle["verificationMaterial"]["publicKey"]["hint"] = "whatever"
    data = json.dumps(bundle).encode()
    assert verified(data, ring(), "release", RELEASE_SIGNATURE).concerns(RELEASE)


def payload_of(bundle: bytes, payload: object) -> bytes:
    """The same payload signed anew: what a key holder could say, sense or not."""
    data = json.dumps(payload).encode()
    del bundle
    return dsse.build(data, RELEASER.sign(dsse.pae(dsse.PAYLOAD_TYPE, data)), RELEASER.key_id)


def tampered(bundle: bytes) -> bytes:
    found = json.loads(bundle)
    payload = base64.b64decode(found["dsseEnvelope"]["payload"]).replace(b"a" * 64, b"b" * 64)
    found["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    return json.dumps(found).encode()


YESTERDAY = datetime.now(UTC) - timedelta(days=1)
TOMORROW = datetime.now(UTC) + timedelta(days=1)


@pytest.mark.parametrize(
    ("bundle", "keys", "what"),
    [
        (tampered(signed()), (), "does not match the content"),
        (signed(STRANGER), (), "a key that the keyring does not hold"),
        (signed(JUDGE), (), "may sign as gate, not as release"),
        (signed(predicate_type=VERDICT), (), "of type 'https://gatekeeper.dev/verdict/v1'"),
        (signed(), (changed(RELEASER.key, revokedAt=YESTERDAY),), "was revoked"),
        (
            signed(),
            (changed(RELEASER.key, revokedAt=TOMORROW, reason="lost"),),
            "was revoked: lost",
        ),
        (signed(), (changed(RELEASER.key, notBefore=TOMORROW),), "not valid before"),
        (signed(), (changed(RELEASER.key, notAfter=YESTERDAY),), "was valid until"),
        (payload_of(b"", [1]), (), "no in-toto statement"),
        (payload_of(b"", {"_type": "https://in-toto.io/Statement/v0.1"}), (), "no in-toto"),
    ],
)
def test_what_does_not_count_is_refused(bundle: bytes, keys: tuple[Key, ...], what: str) -> None:
    with pytest.raises(IntegrityError, match=what):
        verified(bundle, ring(*keys), "release", RELEASE_SIGNATURE, RELEASE)


def test_a_statement_about_something_else_is_refused() -> None:
    with pytest.raises(IntegrityError, match="not about sha256:bbb"):
        verified(signed(), ring(), "release", RELEASE_SIGNATURE, "sha256:" + "b" * 64)


def test_development_keys_count_only_where_they_are_accepted() -> None:
    keys = ring(changed(RELEASER.key, development=True))
    asked: dict[str, Any] = {"role": "release", "predicate_type": RELEASE_SIGNATURE}
    assert signing.KeyringVerifier(keys).verify(signed(), **asked).key.development
    with pytest.raises(IntegrityError, match="a development key"):
        signing.KeyringVerifier(keys, accept_development=False).verify(signed(), **asked)


def test_a_caller_may_weigh_revocation_itself() -> None:
    keys = ring(changed(RELEASER.key, revokedAt=YESTERDAY))
    found = signing.KeyringVerifier(keys).verify(
        signed(), role="release", predicate_type=RELEASE_SIGNATURE, lapsed=True
    )
    assert found.key.revokedAt is not None


def test_a_key_of_another_kind_in_the_keyring_verifies_nothing() -> None:
    from cryptography.hazmat.primitives.asymmetric import ed25519
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = ed25519.Ed25519PrivateKey.generate().public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    other = changed(RELEASER.key, spki=base64.b64encode(der).decode())
    with pytest.raises(IntegrityError, match="does not match"):
        verified(signed(), ring(other), "release", RELEASE_SIGNATURE)


@cache
def new_key() -> keyring.NewKey:
    return keyring.new_key(("gate",), password="secret")  # noqa: S106


def test_a_local_signer_opens_its_key_when_it_first_signs(tmp_path: Path) -> None:
    new_key().write(tmp_path, "gate")
    signer = signing.LocalSigner(tmp_path / "gate.key", new_key().key.id, "secret")
    first = signing.sign_statement(Statement.about(RELEASE, VERDICT, {}), signer)
    (tmp_path / "gate.key").unlink()
    second = signing.sign_statement(Statement.about(RELEASE, VERDICT, {}), signer)
    for bundle in (first, second):
        assert verified(bundle, ring(new_key().key), "gate", VERDICT)


def test_a_private_key_beside_the_wrong_public_key_signs_nothing(tmp_path: Path) -> None:
    new_key().write(tmp_path, "gate")
    signer = signing.LocalSigner(tmp_path / "gate.key", RELEASER.key_id, "secret")
    with pytest.raises(IntegrityError, match="does not belong"):
        signer.sign(b"")
