"""Statements signed with a key on this machine, and verified against the keyring."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gatekeeper.core import dsse
from gatekeeper.errors import IntegrityError
from gatekeeper.model.statement import Statement
from gatekeeper.ports import Signed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from gatekeeper.model.keyring import Key, Keyring, KeyRole
    from gatekeeper.ports import Signer


class LocalSigner:
    """Signs with a private key file, which is decrypted when it is first needed."""

    def __init__(self, path: Path, key_id: str, password: str) -> None:
        self._path = path
        self._key_id = key_id
        self._password = password
        self._key: EllipticCurvePrivateKey | None = None

    @property
    def key_id(self) -> str:
        """sha256 of the public key (SPKI DER), hex."""
        return self._key_id

    def sign(self, payload: bytes) -> bytes:
        """ECDSA P-256 over sha256, DER.

        Raises:
            RefusedError: The password is wrong.
            IntegrityError: The file is no private key, or not of the public key it should be.
        """
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.hashes import SHA256

        if self._key is None:
            self._key = self._load()
        return self._key.sign(payload, ECDSA(SHA256()))

    def _load(self) -> EllipticCurvePrivateKey:
        import hashlib

        from gatekeeper.adapters import keyfile

        key = keyfile.decrypt(self._path, self._password.encode())
        if hashlib.sha256(keyfile.spki(key.public_key())).hexdigest() != self._key_id:
            raise IntegrityError(
                "the private key does not belong to the public key beside it",
                where=self._path.name,
                fix="put the pair back together, or make a new one with `gatekeeper keys generate`",
            )
        return key


@dataclass(frozen=True, slots=True)
class KeyringVerifier:
    """The `Verifier` port over one keyring."""

    keyring: Keyring
    accept_development: bool = True

    def verify(  # noqa: PLR0913 - what is checked is what is named
        self,
        bundle: bytes,
        *,
        role: KeyRole,
        predicate_type: str,
        subject: str | None = None,
        where: str = "",
        lapsed: bool = False,
    ) -> Signed:
        """See `gatekeeper.ports.Verifier`."""
        envelope = dsse.parse(bundle, where=where)
        key = _signer_of(envelope, self.keyring, where)
        refusal = "" if lapsed else key.refusal(datetime.now(UTC))
        if role not in key.roles:
            refusal = f"key {key.id[:12]} may sign as {', '.join(key.roles)}, not as {role}"
        elif key.development and not self.accept_development:
            refusal = f"key {key.id[:12]} is a development key, which is not accepted here"
        if refusal:
            raise IntegrityError(
                f"the signature is refused: {refusal}",
                where=where,
                fix=f"sign it with a current {role} key; `gatekeeper keys list` shows them",
            )
        statement = _statement(envelope.payload, where)
        _check_content(statement, predicate_type, subject, where)
        return Signed(statement, key)


def sign_statement(statement: Statement, signer: Signer) -> bytes:
    """The statement in a Sigstore bundle v0.3 (JSON)."""
    return dsse.seal(statement, signer.key_id, signer.sign)


def _signer_of(envelope: dsse.Envelope, keyring: Keyring, where: str) -> Key:
    """The key whose signature it is. The hint only says where to look first."""
    signed = dsse.pae(envelope.payload_type, envelope.payload)
    hinted = [key for key in keyring.keys if dsse.hint_of(key.id) == envelope.hint]
    for key in _then(hinted, keyring.keys):
        if _holds(key, envelope.signature, signed):
            return key
    if hinted:
        what = "the signature does not match the content"
    else:
        what = "signed by a key that the keyring does not hold"
    raise IntegrityError(
        what, where=where, fix="it was altered, or is not from here: get it again from its source"
    )


def _then(first: list[Key], rest: Iterable[Key]) -> Iterable[Key]:
    yield from first
    yield from (key for key in rest if key not in first)


def _holds(key: Key, signature: bytes, signed: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    public = load_der_public_key(base64.b64decode(key.spki))
    if not isinstance(public, EllipticCurvePublicKey):
        return False
    try:
        public.verify(signature, signed, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _statement(payload: bytes, where: str) -> Statement:
    from pydantic import ValidationError

    try:
        return Statement.model_validate_json(payload)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise IntegrityError(
            f"the signed payload is no in-toto statement: {place}: {first['msg']}", where=where
        ) from None


def _check_content(
    statement: Statement, predicate_type: str, subject: str | None, where: str
) -> None:
    # Any statement verifies as a signature for tools that do not look at its type: look.
    if statement.predicateType != predicate_type:
        raise IntegrityError(
            f"the statement is of type {statement.predicateType!r}, not {predicate_type!r}",
            where=where,
        )
    if subject is not None and not statement.concerns(subject):
        found = ", ".join(str(dict(one.digest)) for one in statement.subject)
        raise IntegrityError(
            f"the statement is about {found}, not about {subject}",
            where=where,
            fix="it was attached to the wrong content: have it made again",
        )
