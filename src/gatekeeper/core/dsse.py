"""DSSE envelopes in Sigstore bundles v0.3: bytes in, bytes out; no keys here."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn

from gatekeeper.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatekeeper.model.statement import Statement

BUNDLE_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
MAX_BUNDLE: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a bundle carries.

    Attributes:
        payload: The signed bytes, exactly.
        payload_type: Media type, part of what is signed.
        signature: ECDSA, DER.
        hint: Opaque: a guess at the key. In our bundles base64 of sha256 of the SPKI DER.
    """

    payload: bytes
    payload_type: str
    signature: bytes
    hint: str


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE pre-authentication encoding: the bytes that are signed.

    https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def hint_of(key_id: str) -> str:
    """The hint that names a key: base64 of the bytes of its hexadecimal id."""
    return base64.b64encode(bytes.fromhex(key_id)).decode()


def build(payload: bytes, signature: bytes, key_id: str) -> bytes:
    """A bundle of one in-toto payload and one signature, as one JSON document."""
    bundle = {
        "mediaType": BUNDLE_TYPE,
        "verificationMaterial": {
            "publicKey": {"hint": hint_of(key_id)},
            # Verifiers want the list even where there is no transparency log.
            "tlogEntries": [],
        },
        "dsseEnvelope": {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": base64.b64encode(signature).decode(), "keyid": ""}],
        },
    }
    return json.dumps(bundle, separators=(",", ":")).encode()


def seal(statement: Statement, key_id: str, sign: Callable[[bytes], bytes]) -> bytes:
    """A statement, signed, as a bundle.

    Args:
        statement: What is said.
        key_id: sha256 of the public key (SPKI DER), hexadecimal.
        sign: Gives the DER signature of the bytes it gets.
    """
    content = statement.model_dump(mode="json")
    payload = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    return build(payload, sign(pae(PAYLOAD_TYPE, payload)), key_id)


def parse(data: bytes, *, where: str = "") -> Envelope:
    """The envelope of a bundle.

    Raises:
        IntegrityError: It is not a bundle v0.3 with exactly one signature over an in-toto payload.
    """
    document = _json(data, where)
    if _text(document, "mediaType", where) != BUNDLE_TYPE:
        _refuse(f"the bundle's mediaType is {document['mediaType']!r}", where)
    material = _mapping(document, "verificationMaterial", where)
    envelope = _mapping(document, "dsseEnvelope", where)
    signatures = envelope.get("signatures")
    if not isinstance(signatures, list) or len(signatures) != 1:
        _refuse("the bundle does not carry exactly one signature", where)
    if not isinstance(signatures[0], dict):
        _refuse("the bundle's signature is not an object", where)
    payload_type = _text(envelope, "payloadType", where)
    if payload_type != PAYLOAD_TYPE:
        _refuse(f"the payload type is {payload_type!r}, not {PAYLOAD_TYPE!r}", where)
    return Envelope(
        payload=_decoded(envelope, "payload", where),
        payload_type=payload_type,
        signature=_decoded(signatures[0], "sig", where),
        hint=_text(_mapping(material, "publicKey", where), "hint", where),
    )


def _json(data: bytes, where: str) -> dict[str, Any]:
    if len(data) > MAX_BUNDLE:
        _refuse(f"the bundle is larger than {MAX_BUNDLE} bytes", where)
    try:
        document = json.loads(data.decode(), object_pairs_hook=_once)
    except UnicodeDecodeError:
        _refuse("not a signed bundle: not UTF-8", where)
    except json.JSONDecodeError:
        _refuse("not a signed bundle: not JSON, or cut short", where)
    except RecursionError:
        _refuse("not a signed bundle: nested too deeply", where)
    except ValueError as error:
        _refuse(f"not a signed bundle: {error}", where)
    if not isinstance(document, dict):
        _refuse("not a signed bundle: not a JSON object", where)
    return document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it repeats a key")
    return found


def _mapping(document: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    value = document.get(key)
    if not isinstance(value, dict):
        _refuse(f"the bundle has no {key}", where)
    return value


def _text(document: dict[str, Any], key: str, where: str) -> str:
    value = document.get(key)
    if not isinstance(value, str):
        _refuse(f"the bundle has no {key}", where)
    return value


def _decoded(document: dict[str, Any], key: str, where: str) -> bytes:
    try:
        return base64.b64decode(_text(document, key, where), validate=True)
    except ValueError:  # also what is not ASCII
        _refuse(f"the bundle's {key} is not base64", where)


def _refuse(what: str, where: str) -> NoReturn:
    raise IntegrityError(what, where=where, fix="restore it from a copy, or have it made again")
