"""Ways to damage the second entry of a stage's ledger, or what it refers to."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from gatekeeper.adapters import hashing
from gatekeeper.adapters.signing import sign_statement
from gatekeeper.model.statement import LEDGER_ENTRY, Statement

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from delivery import Delivery


def _entry(stage: Delivery) -> Path:
    return stage.ledger() / "00000002.json"


def altered_entry(stage: Delivery) -> None:
    _edit(stage, lambda bundle: bundle["dsseEnvelope"].update(payload=_other(bundle)))


def unsigned_entry(stage: Delivery) -> None:
    _edit(stage, lambda bundle: bundle["dsseEnvelope"].update(signatures=[]))


def truncated_entry(stage: Delivery) -> None:
    _entry(stage).write_bytes(_entry(stage).read_bytes()[:200])


def entry_of_another_role(stage: Delivery) -> None:
    """Signed, but by the key that signs verdicts."""
    payload = json.loads(_payload(json.loads(_entry(stage).read_bytes())))
    statement = Statement.about(stage.v2, LEDGER_ENTRY, payload["predicate"])
    _entry(stage).write_bytes(sign_statement(statement, stage.signer("gate")))


def truncated_release(stage: Delivery) -> None:
    _cut(stage, stage.v2)


def missing_verdict(stage: Delivery) -> None:
    """The store's index forgets every statement about the release but its own."""
    path = stage.project.store / "index.json"
    index = json.loads(path.read_bytes())
    verdict = "https://gatekeeper.dev/verdict/v1"
    kept = [one for one in index["manifests"] if verdict not in json.dumps(one)]
    assert len(kept) < len(index["manifests"])
    path.write_text(json.dumps({**index, "manifests": kept}))


def wrong_model_file(stage: Delivery) -> None:
    path = stage.root / "models" / "tiny" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def missing_model_file(stage: Delivery) -> None:
    (stage.root / "models" / "tiny" / "tokenizer.json").unlink()


ALL: list[Callable[[Delivery], None]] = [
    altered_entry,
    unsigned_entry,
    truncated_entry,
    entry_of_another_role,
    truncated_release,
    missing_verdict,
    wrong_model_file,
    missing_model_file,
]


def _edit(stage: Delivery, change: Callable[[Any], None]) -> None:
    bundle = json.loads(_entry(stage).read_bytes())
    change(bundle)
    _entry(stage).write_text(json.dumps(bundle))


def _payload(bundle: Any) -> bytes:
    return base64.b64decode(bundle["dsseEnvelope"]["payload"])


def _other(bundle: Any) -> str:
    return base64.b64encode(_payload(bundle).replace(b'"ada"', b'"eve"')).decode()


def _cut(stage: Delivery, digest: str) -> None:
    path = stage.project.store / "blobs" / "sha256" / digest.removeprefix("sha256:")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])


def forged_digest(stage: Delivery) -> None:
    """Another model file, and a memory that says it is the released one."""
    path = stage.root / "models" / "tiny" / "model.safetensors"
    _, known = hashing.hash_file(path)
    wrong_model_file(stage)
    touch, _ = hashing.hash_file(path)
    with (stage.project.cache / "files.jsonl").open("ab") as cache:
        cache.write(b"\n" + hashing._lines([(str(path), (touch, known))]))
