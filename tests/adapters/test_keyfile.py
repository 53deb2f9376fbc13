from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gatekeeper.adapters import keyfile
from gatekeeper.errors import IntegrityError, RefusedError

if TYPE_CHECKING:
    from pathlib import Path

KEY = keyfile.generate()
PEM = keyfile.encrypt(KEY, b"secret")


def body(pem: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.b64decode("".join(pem.decode().splitlines()[1:-1])))
    return found


def armoured(content: object, label: str = keyfile.LABEL) -> bytes:
    text = base64.b64encode(json.dumps(content).encode()).decode()
    return f"-----BEGIN {label}-----\n{text}\n-----END {label}-----\n".encode()


def written(directory: Path, pem: bytes) -> Path:
    path = directory / "gate.key"
    path.write_bytes(pem)
    return path


def test_a_key_file_is_in_cosigns_format() -> None:
    assert PEM.startswith(b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n")
    found = body(PEM)
    assert found["kdf"]["name"] == "scrypt"
    assert found["kdf"]["params"] == {"N": 65536, "r": 8, "p": 1}
    assert len(base64.b64decode(found["kdf"]["salt"])) == 32
    assert found["cipher"]["name"] == "nacl/secretbox"
    assert len(base64.b64decode(found["cipher"]["nonce"])) == 24


@pytest.mark.parametrize("label", keyfile.LABELS)
def test_a_key_file_is_opened_by_its_password(tmp_path: Path, label: str) -> None:
    found = keyfile.decrypt(written(tmp_path, armoured(body(PEM), label)), b"secret")
    assert found.private_numbers() == KEY.private_numbers()


def test_a_wrong_password_opens_nothing(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="password does not open") as error:
        keyfile.decrypt(written(tmp_path, PEM), b"guess")
    assert "guess" not in str(error.value)


def test_the_public_key_is_standard_pem() -> None:
    pem = keyfile.public_pem(keyfile.spki(KEY.public_key()))
    found = load_pem_public_key(pem)
    assert isinstance(found, ec.EllipticCurvePublicKey)
    assert found == KEY.public_key()


def changed(path: str, value: object) -> bytes:
    found = body(PEM)
    *parents, last = path.split(".")
    target = found
    for name in parents:
        target = target[name]
    target[last] = value
    return armoured(found)


@pytest.mark.parametrize(
    ("pem", "what"),
    [
        (b"", "not an encrypted private key"),
        (b"\xff\xfe", "not an encrypted private key"),
        (PEM.replace(b"SIGSTORE", b"OTHER"), "not an encrypted private key"),
        (PEM.replace(b"\n", b"\n!", 1), "not an encrypted private key"),
        (armoured([]), "its body is not"),
        (armoured({"kdf": 1}), "its body is not"),
        (changed("kdf.name", "argon2"), "encrypted in a way"),
        (changed("kdf.params.N", 2**20), "encrypted in a way"),
        (changed("kdf.params.N", [65536]), "encrypted in a way"),
        (changed("cipher.name", "aes"), "encrypted in a way"),
        (changed("kdf.salt", "AAAA"), "wrong length"),
        (changed("cipher.nonce", "AAAA"), "wrong length"),
        (changed("ciphertext", "?"), "its body is not"),
    ],
)
def test_what_is_no_key_file_is_refused(tmp_path: Path, pem: bytes, what: str) -> None:
    with pytest.raises(IntegrityError, match=what):
        keyfile.decrypt(written(tmp_path, pem), b"secret")


def test_only_p256_is_accepted(tmp_path: Path) -> None:
    path = written(tmp_path, keyfile.encrypt(ec.generate_private_key(ec.SECP384R1()), b""))
    with pytest.raises(IntegrityError, match="no ECDSA P-256 key"):
        keyfile.decrypt(path, b"")
