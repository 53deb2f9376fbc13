"""Every way to damage a ledger entry that we could think of, and some that chance finds."""

from __future__ import annotations

import base64
import json
import re
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from delivery import Delivery, intent, make_delivery
from gatekeeper.adapters.signing import KeyringVerifier
from gatekeeper.core import dsse
from gatekeeper.errors import IntegrityError
from gatekeeper.model.moment import rfc3339
from gatekeeper.model.statement import LEDGER_ENTRY
from gatekeeper.ops import ledger
from gatekeeper.ops.history import history
from gatekeeper.ops.promote import promote

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parents[1] / "golden" / "delivery"


@cache
def delivery() -> Delivery:
    """Two entries, made once: each test puts back what it damages."""
    made = make_delivery(Path(mkdtemp(prefix="damaged-")))
    made.decide(made.v1)
    promote(made.site(), made.v1, intent(), made.signer())
    made.decide(made.v2, made.v1)
    promote(made.site(), made.v2, intent(), made.signer())
    return made


def bundle(data: bytes, **changes: Any) -> bytes:
    found = json.loads(data)
    found.update(changes)
    return json.dumps(found).encode()


def envelope(data: bytes, **changes: Any) -> bytes:
    found = json.loads(data)
    found["dsseEnvelope"].update(changes)
    return json.dumps(found).encode()


def resigned(data: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """Another statement, signed by the right key."""
    statement = json.loads(dsse.parse(data).payload)
    change(statement)
    payload = json.dumps(statement).encode()
    signer = delivery().signer()
    return dsse.build(payload, signer.sign(dsse.pae(dsse.PAYLOAD_TYPE, payload)), signer.key_id)


def entry(data: bytes, **changes: Any) -> bytes:
    return resigned(data, lambda statement: statement["predicate"].update(changes))


def stable(data: bytes, **changes: Any) -> bytes:
    return resigned(data, lambda found: found["predicate"]["state"]["stable"].update(changes))


def born() -> str:
    """When all keys of the delivery had become valid: before the first entry."""
    verifier = delivery().site().verifier
    assert isinstance(verifier, KeyringVerifier)
    return rfc3339(max(key.notBefore for key in verifier.keyring.keys))


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "truncated": lambda data: data[: len(data) // 2],
    "one byte cut off": lambda data: data[:-1],
    "zeros, as after a power cut": lambda data: b"\0" * len(data),
    "not UTF-8": lambda data: b"\xff" + data,
    "not an object": lambda _: b"[1, 2]",
    "a repeated key": lambda data: b'{"mediaType": 1,' + data[1:],
    "nested too deeply": lambda _: b"[" * 200_000,
    "larger than any entry": lambda data: data + b" " * (1 << 20),
    "another media type": lambda data: bundle(data, mediaType="application/json"),
    "no verification material": lambda data: bundle(data, verificationMaterial=None),
    "no envelope": lambda data: bundle(data, dsseEnvelope={}),
    "another payload type": lambda data: envelope(data, payloadType="text/plain"),
    "payload that is not base64": lambda data: envelope(data, payload="***"),
    "payload that is not ASCII": lambda data: envelope(data, payload="\x80"),
    "another payload": lambda data: envelope(data, payload=base64.b64encode(b"{}").decode()),
    "no signature": lambda data: envelope(data, signatures=[]),
    "two signatures": lambda data: envelope(data, signatures=[{"sig": ""}, {"sig": ""}]),
    "an empty signature": lambda data: envelope(data, signatures=[{"sig": ""}]),
    "a payload that is no statement": lambda data: resigned(data, dict.clear),
    "a statement of another type": lambda data: resigned(
        data, lambda found: found.update(predicateType="https://example.com/x")
    ),
    "no subject": lambda data: resigned(data, lambda found: found.update(subject=[])),
    "another subject": lambda data: resigned(
        data, lambda found: found.update(subject=[{"digest": {"sha256": "0" * 64}}])
    ),
    "a later schema": lambda data: entry(data, schema_version=2),
    "an unknown key": lambda data: entry(data, approved_by="eve"),
    "an unknown action": lambda data: entry(data, action="canary"),
    "a lane that this version does not know": lambda data: resigned(
        data, lambda found: found["predicate"]["state"].update(canary={"percent": 5})
    ),
    "a serial that is no number": lambda data: entry(data, serial="2"),
    "another serial": lambda data: entry(data, serial=3),
    "another environment": lambda data: entry(data, environment="prod"),
    "another lineage": lambda data: entry(data, lineage="0" * 32),
    "another predecessor": lambda data: entry(data, previous="sha256:" + "0" * 64),
    "no predecessor": lambda data: entry(data, previous=None),
    "a time without a zone": lambda data: entry(data, time="2026-11-20T00:00:00"),
    "a time before the predecessor's": lambda data: entry(data, time=born()),
    "stable since another entry": lambda data: stable(data, since=1),
    "promoted by a later entry": lambda data: stable(data, promoted=3),
    "promoted by an earlier entry": lambda data: stable(data, promoted=1),
    "a digest that is none": lambda data: stable(data, release="sha256:abc"),
}


def said(data: bytes) -> list[str]:
    """What the history says of the second entry when it holds `data`."""
    path = delivery().ledger() / "00000002.json"
    whole = path.read_bytes()
    try:
        path.write_bytes(data)
        return list(history(delivery().site()).lines[1].findings)
    finally:
        path.write_bytes(whole)


def test_damage_is_told_in_words(golden: Callable[[Path, str], None]) -> None:
    whole = (delivery().ledger() / "00000002.json").read_bytes()
    lines = []
    for name, damage in DAMAGE.items():
        findings = said(damage(whole))
        assert findings, name
        text = re.sub(r"sha256:[0-9a-f]{64}|[0-9a-f]{64}", "DIGEST", "; ".join(findings))
        text = re.sub(r"entry \d{8}", "entry N", re.sub(r"key [0-9a-f]{12}", "key KEY", text))
        lines.append(f"{name}\n  {text}\n")
    golden(GOLDEN / "damage.txt", "".join(lines))
    assert said(whole) == []


def test_a_damaged_head_is_never_gone_on_from() -> None:
    path = delivery().ledger() / "00000002.json"
    whole = path.read_bytes()
    for name, damage in DAMAGE.items():
        if name in {"a time before the predecessor's", "another lineage"} or "promoted by" in name:
            continue  # the head alone does not show these; the history does
        if name == "stable since another entry":
            continue
        try:
            path.write_bytes(damage(whole))
            try:
                ledger.head(delivery().site())
            except IntegrityError as error:
                assert error.fix or error.where  # noqa: PT017
            else:
                raise AssertionError(name)
        finally:
            path.write_bytes(whole)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_change_of_bytes_goes_unnoticed(data: st.DataObject) -> None:
    path = delivery().ledger() / "00000001.json"
    whole = path.read_bytes()
    start = data.draw(st.integers(0, len(whole) - 1))
    length = data.draw(st.integers(0, 20))
    put = data.draw(st.binary(max_size=20))
    changed = whole[:start] + put + whole[start + length :]
    try:
        path.write_bytes(changed)
        found = history(delivery().site())
    finally:
        path.write_bytes(whole)
    assert found.sound == (changed == whole)


def test_the_type_of_an_entry_is_what_cosign_can_show() -> None:
    data = (delivery().ledger() / "00000001.json").read_bytes()
    assert json.loads(dsse.parse(data).payload)["predicateType"] == LEDGER_ENTRY
