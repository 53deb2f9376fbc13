"""The keyring file (signed, versioned) and the private keys beside it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from gatekeeper.adapters import atomic, keyfile, signing
from gatekeeper.adapters.keyring_seen import FILE, Seen, remember
from gatekeeper.core.canonical import canonical, digest
from gatekeeper.errors import IntegrityError, RefusedError, UnavailableError, UndecidedError
from gatekeeper.model.keyring import Key, Keyring, KeyRole
from gatekeeper.model.statement import KEYRING, Statement

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gatekeeper.ports import Signed

LOCK: Final = ".lock"
PASSWORD_VARIABLE: Final = "GATEKEEPER_KEY_PASSWORD"
KEY_DAYS: Final = 365 * 2
KEYRING_DAYS: Final = 365
MAX_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key pair that is nowhere yet but here."""

    key: Key
    private: bytes
    public: bytes

    def write(self, directory: Path, name: str) -> None:
        """Write ``NAME.key`` (readable by its owner alone) and ``NAME.pub``."""
        atomic.replace(directory / f"{name}.key", self.private, mode=0o600)
        atomic.replace(directory / f"{name}.pub", self.public)


@dataclass(frozen=True, slots=True)
class KeyDirectory:
    """The keys of a project.

    Attributes:
        path: Where the keyring and the key files are.
        state: Where the highest keyring version seen is remembered.
    """

    path: Path
    state: Path

    def keyring(self, *, allow_expired: bool = False) -> Keyring:
        """The keyring, if a root key signed it and nothing newer was seen.

        Raises:
            UndecidedError: There is none, or it has expired.
            IntegrityError: It is altered, not signed by a trusted root key, or older than one
                that was already seen.
        """
        data = self._read()
        signed, keyring = _opened(data)
        seen = Seen.read(self.state)
        if seen is not None:
            seen.refuse_older(keyring, data, signed.key.id)
        if keyring.expires < datetime.now(UTC) and not allow_expired:
            raise UndecidedError(
                f"the keyring expired on {keyring.expires:%Y-%m-%d}",
                where=self._name,
                fix="look through it with `gatekeeper keys list`, then `gatekeeper keys renew`",
            )
        if seen is None or keyring.version > seen.version:
            remember(self.state, keyring, data)
        return keyring

    def write(self, keyring: Keyring) -> None:
        """Sign a keyring with a root key that is on this machine, and put it in place.

        Raises:
            RefusedError: No root key here may sign it.
        """
        trusted = self.keyring(allow_expired=True) if (self.path / FILE).exists() else keyring
        signer = self.signer(trusted, "root")
        atomic.replace(self.path / FILE, sign_keyring(keyring, signer))

    def update(self, change: Callable[[Keyring], tuple[Key, ...]]) -> Keyring:
        """Publish the next version: other processes wait, so that none is lost.

        Args:
            change: From the keyring as it is to the keys of the next.

        Raises:
            RefusedError: No root key here may sign it.
        """
        with atomic.locked(self.path / LOCK):
            keyring = self.keyring(allow_expired=True)
            new = renewed(keyring, change(keyring))
            self.write(new)
            return new

    def signer(self, keyring: Keyring, role: KeyRole) -> signing.LocalSigner:
        """The newest current key of a role whose private half is on this machine.

        Raises:
            RefusedError: There is none.
            UndecidedError: It needs a password, and GATEKEEPER_KEY_PASSWORD is not set.
        """
        private = self.private()
        usable = [
            key
            for key in keyring.holding(role)
            if key.id in private and not key.refusal(datetime.now(UTC))
        ]
        if not usable:
            raise RefusedError(
                f"no current private key for the role {role} is on this machine",
                where=self._name,
                fix=f"make one with `gatekeeper keys generate --role {role}`, or run this where"
                " the key is",
            )
        key = max(usable, key=lambda one: (one.notBefore, one.id))
        return signing.LocalSigner(private[key.id], key.id, _password(key, private[key.id].name))

    def private(self) -> dict[str, Path]:
        """Private key files on this machine, by key id."""
        found: dict[str, Path] = {}
        for public in sorted(self.path.glob("*.pub")):
            path = public.with_suffix(".key")
            if path.is_file():
                found[_id_of_pem(public)] = path
        return found

    @property
    def _name(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}/{FILE}"

    def _read(self) -> bytes:
        try:
            with (self.path / FILE).open("rb") as file:
                return file.read(MAX_BYTES)
        except FileNotFoundError:
            raise UndecidedError(
                "there is no keyring, so no signature can be checked",
                where=self._name,
                fix="copy it from where the keys were made; `gatekeeper init` makes a new project",
            ) from None
        except OSError as error:
            raise UnavailableError(
                f"the keyring cannot be read: {error.strerror}", where=self._name
            ) from error


def new_key(roles: tuple[KeyRole, ...], *, password: str, development: bool = False) -> NewKey:
    """Generate a key pair, valid from now for two years."""
    pair = keyfile.generate()
    der = keyfile.spki(pair.public_key())
    now = datetime.now(UTC).replace(microsecond=0)
    key = Key(
        id=hashlib.sha256(der).hexdigest(),
        spki=base64.b64encode(der).decode(),
        roles=roles,
        notBefore=now,
        notAfter=now + timedelta(days=KEY_DAYS),
        development=development,
    )
    return NewKey(key, keyfile.encrypt(pair, password.encode()), keyfile.public_pem(der))


def sign_keyring(keyring: Keyring, signer: signing.LocalSigner) -> bytes:
    """The keyring as it is stored: a statement about itself."""
    predicate = keyring.model_dump(mode="json")
    statement = Statement.about(digest(canonical(predicate)), KEYRING, predicate, name="keyring")
    return signing.sign_statement(statement, signer)


def renewed(keyring: Keyring, keys: tuple[Key, ...]) -> Keyring:
    """The next version, with those keys, good for another year."""
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=KEYRING_DAYS)
    return Keyring(version=keyring.version + 1, expires=expires, keys=keys)


def first(keys: tuple[Key, ...]) -> Keyring:
    """Version 1."""
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=KEYRING_DAYS)
    return Keyring(version=1, expires=expires, keys=keys)


def _opened(data: bytes) -> tuple[Signed, Keyring]:
    """The keyring inside a bundle, by the root key that it lists itself."""
    from pydantic import ValidationError

    from gatekeeper.core import dsse

    try:
        payload = json.loads(dsse.parse(data, where=FILE).payload)
        keyring = Keyring.model_validate_json(json.dumps(payload["predicate"]))
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            f"not a keyring: {str(error).splitlines()[0]}",
            where=FILE,
            fix="restore it from a copy",
        ) from None
    subject = digest(canonical(payload["predicate"]))
    verifier = signing.KeyringVerifier(keyring)
    signed = verifier.verify(data, role="root", predicate_type=KEYRING, subject=subject, where=FILE)
    return signed, keyring


def _password(key: Key, name: str) -> str:
    if key.development:
        return ""
    password = os.environ.get(PASSWORD_VARIABLE)
    if password is None:
        raise UndecidedError(
            "the private key needs its password",
            where=name,
            fix=f"put it into the environment variable {PASSWORD_VARIABLE}",
        )
    return password


def _id_of_pem(path: Path) -> str:
    lines = path.read_text(encoding="ascii", errors="replace").split()
    body = "".join(line for line in lines if "-" not in line and line not in ("PUBLIC", "KEY"))
    try:
        return hashlib.sha256(base64.b64decode(body, validate=True)).hexdigest()
    except ValueError:
        return ""
