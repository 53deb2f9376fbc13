from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core import dsse
from gatekeeper.errors import IntegrityError
from gatekeeper.model.statement import Statement

KEY_ID = "ab" * 32


def bundle(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(dsse.build(b"payload", b"signature", KEY_ID))
    for path, value in changes.items():
        *parents, last = path.split("__")
        target = made
        for name in parents:
            target = target[name]
        if value is None:
            del target[last]
        else:
            target[last] = value
    return made


def test_pae_is_the_one_of_the_specification() -> None:
    # The example of the DSSE specification.
    assert dsse.pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_the_bundle_is_what_cosign_reads() -> None:
    assert bundle() == {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "publicKey": {"hint": base64.b64encode(bytes.fromhex(KEY_ID)).decode()},
            "tlogEntries": [],
        },
        "dsseEnvelope": {
            "payload": base64.b64encode(b"payload").decode(),
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"sig": base64.b64encode(b"signature").decode(), "keyid": ""}],
        },
    }


@given(st.binary(), st.binary(min_size=1))
def test_what_is_built_is_parsed(payload: bytes, signature: bytes) -> None:
    found = dsse.parse(dsse.build(payload, signature, KEY_ID))
    assert (found.payload, found.signature) == (payload, signature)
    assert found.payload_type == dsse.PAYLOAD_TYPE
    assert found.hint == dsse.hint_of(KEY_ID)


def test_a_sealed_statement_is_signed_over_its_pae() -> None:
    signed: list[bytes] = []

    def sign(data: bytes) -> bytes:
        signed.append(data)
        return b"signature"

    statement = Statement.about("sha256:" + "a" * 64, "https://example.com/x", {"a": 1})
    found = dsse.parse(dsse.seal(statement, KEY_ID, sign))
    assert signed == [dsse.pae(found.payload_type, found.payload)]
    assert json.loads(found.payload) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "", "digest": {"sha256": "a" * 64}}],
        "predicateType": "https://example.com/x",
        "predicate": {"a": 1},
    }


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"mediaType": "application/json"}, "mediaType is 'application/json'"),
        ({"mediaType": None}, "no mediaType"),
        ({"verificationMaterial": None}, "no verificationMaterial"),
        ({"verificationMaterial__publicKey": []}, "no publicKey"),
        ({"verificationMaterial__publicKey__hint": 3}, "no hint"),
        ({"dsseEnvelope": None}, "no dsseEnvelope"),
        ({"dsseEnvelope__payload": "?"}, "payload is not base64"),
        ({"dsseEnvelope__payload": None}, "no payload"),
        ({"dsseEnvelope__payloadType": "text/plain"}, "payload type is 'text/plain'"),
        ({"dsseEnvelope__signatures": []}, "exactly one signature"),
        ({"dsseEnvelope__signatures": [1]}, "signature is not an object"),
        ({"dsseEnvelope__signatures": [{}, {}]}, "exactly one signature"),
        ({"dsseEnvelope__signatures": [{"sig": "!"}]}, "sig is not base64"),
    ],
)
def test_what_is_no_bundle_is_refused(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(IntegrityError, match=what):
        dsse.parse(json.dumps(bundle(**changes)).encode())


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"\xff", b"nonsense", b'{"a": 1, "a": 2}', b"[" * 100_000],
    ids=["empty", "list", "not text", "not JSON", "repeated key", "deep"],
)
def test_what_is_no_json_object_is_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError, match="not a signed bundle"):
        dsse.parse(data, where="entry 3")


def test_a_bundle_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dsse, "MAX_BUNDLE", 10)
    with pytest.raises(IntegrityError, match="larger than 10 bytes"):
        dsse.parse(b"x" * 11)
