"""Private keys on disk, in cosign's encrypted format, and their public halves in PEM."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.errors import IntegrityError, RefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )

LABEL: Final = "ENCRYPTED SIGSTORE PRIVATE KEY"
LABELS: Final = (LABEL, "ENCRYPTED COSIGN PRIVATE KEY")
COSTS: Final = (32768, 65536)
BLOCK, PARALLEL = 8, 1
SALT_BYTES, NONCE_BYTES, KEY_BYTES = 32, 24, 32


def generate() -> EllipticCurvePrivateKey:
    """A new ECDSA P-256 key."""
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def spki(key: EllipticCurvePublicKey) -> bytes:
    """The public key as SPKI DER."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def public_pem(der: bytes) -> bytes:
    """SPKI DER as PEM, as ``cosign verify --key`` reads it."""
    return _armour(der, "PUBLIC KEY")


def encrypt(key: EllipticCurvePrivateKey, password: bytes) -> bytes:
    """The private key as a key file."""
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )
    from nacl.secret import SecretBox

    plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    box = SecretBox(_derive(password, salt, COSTS[-1]))
    body = {
        "kdf": {
            "name": "scrypt",
            "params": {"N": COSTS[-1], "r": BLOCK, "p": PARALLEL},
            "salt": base64.b64encode(salt).decode(),
        },
        "cipher": {"name": "nacl/secretbox", "nonce": base64.b64encode(nonce).decode()},
        "ciphertext": base64.b64encode(box.encrypt(plain, nonce).ciphertext).decode(),
    }
    return _armour(json.dumps(body, separators=(",", ":")).encode(), LABEL)


def decrypt(path: Path, password: bytes) -> EllipticCurvePrivateKey:
    """The private key in a key file. Takes about 0.1 s: scrypt is slow on purpose.

    Raises:
        IntegrityError: The file is not a key file of a kind that is accepted.
        RefusedError: The password is wrong.
    """
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key
    from nacl.exceptions import CryptoError
    from nacl.secret import SecretBox

    salt, cost, nonce, ciphertext = _fields(path)
    try:
        plain = SecretBox(_derive(password, salt, cost)).decrypt(ciphertext, nonce)
    except CryptoError:
        raise RefusedError(
            "the password does not open the private key",
            where=path.name,
            fix="put its password into GATEKEEPER_KEY_PASSWORD",
        ) from None
    key = load_der_private_key(plain, password=None)
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise _malformed(path, "it holds no ECDSA P-256 key")
    return key


def _fields(path: Path) -> tuple[bytes, int, bytes, bytes]:
    """Salt, cost, nonce and ciphertext of a key file."""
    try:
        body: dict[str, Any] = json.loads(_unarmour(path))
        kdf, cipher = body["kdf"], body["cipher"]
        parameters = kdf["params"]
        salt = base64.b64decode(kdf["salt"], validate=True)
        nonce = base64.b64decode(cipher["nonce"], validate=True)
        ciphertext = base64.b64decode(body["ciphertext"], validate=True)
        names = (kdf["name"], cipher["name"], parameters["r"], parameters["p"])
        cost = parameters["N"]
    except (ValueError, KeyError, TypeError):
        raise _malformed(path, "its body is not what a key file holds") from None
    if names != ("scrypt", "nacl/secretbox", BLOCK, PARALLEL) or cost not in COSTS:
        raise _malformed(path, "it is encrypted in a way that is not accepted")
    if len(salt) != SALT_BYTES or len(nonce) != NONCE_BYTES:
        raise _malformed(path, "its salt or nonce has the wrong length")
    return salt, cost, nonce, ciphertext


def _derive(password: bytes, salt: bytes, cost: int) -> bytes:
    return hashlib.scrypt(
        password, salt=salt, n=cost, r=BLOCK, p=PARALLEL, maxmem=2**28, dklen=KEY_BYTES
    )


def _armour(data: bytes, label: str) -> bytes:
    text = base64.b64encode(data).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()


def _unarmour(path: Path) -> bytes:
    lines = path.read_bytes().decode("ascii", "replace").split("\n")
    lines = [line.strip() for line in lines if line.strip()]
    for label in LABELS:
        if lines and (lines[0], lines[-1]) == (
            f"-----BEGIN {label}-----",
            f"-----END {label}-----",
        ):
            try:
                return base64.b64decode("".join(lines[1:-1]), validate=True)
            except ValueError:  # also what is not ASCII
                break
    raise _malformed(path, "it is not an encrypted private key")


def _malformed(path: Path, why: str) -> IntegrityError:
    return IntegrityError(
        f"cannot use this private key: {why}",
        where=path.name,
        fix="make a new one with `gatekeeper keys generate`",
    )
