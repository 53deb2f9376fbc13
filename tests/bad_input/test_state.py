"""What gatekeeper wrote itself, damaged: named, refused with exit code 1, and left as it is."""

from __future__ import annotations

import io
import json
import re
import shutil
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING

import pytest

from bad_input.feeding import FIXTURES, Answer, call, fingerprint
from delivery import Delivery, make_delivery
from gatekeeper.cli.main import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GOLDEN = FIXTURES / "state"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    """Two releases, three entries: v1, v2, and back to v1."""
    made = make_delivery(tmp_path_factory.mktemp("sound"))
    made.decide(made.v1)
    made.decide(made.v2, made.v1)
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        for words in (["promote", made.v1], ["promote", made.v2], ["rollback"]):
            assert run([*words, "--env", "local", "--project", str(made.root)]) == 0
    return made


@pytest.fixture
def delivery(sound: Delivery, tmp_path: Path) -> Delivery:
    """A copy to damage."""
    shutil.copytree(sound.root, tmp_path / "project")
    return Delivery(tmp_path / "project", sound.v1, sound.v2)


def local(made: Delivery, capture: pytest.CaptureFixture[str], verb: str, *rest: str) -> Answer:
    where = ["--env", "local", "--project", str(made.root)]
    return call([verb, *rest, *where], capture)


def entry(made: Delivery, serial: int) -> Path:
    return made.ledger() / f"{serial:08d}.json"


def overwrite(path: Path, data: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(data)


def altered(data: bytes) -> bytes:
    """One character of the signed payload changed."""
    bundle = json.loads(data)
    payload = bundle["dsseEnvelope"]["payload"]
    bundle["dsseEnvelope"]["payload"] = (
        payload[:40] + ("A" if payload[40] != "A" else "B") + payload[41:]
    )
    return json.dumps(bundle).encode()


def signed_otherwise(data: bytes) -> bytes:
    """The signature of nobody."""
    bundle = json.loads(data)
    signature = bundle["dsseEnvelope"]["signatures"][0]
    signature["sig"] = "MEUCIQ" + signature["sig"][6:]
    signature["sig"] = signature["sig"][:-8] + "AAAAAAA="
    return json.dumps(bundle).encode()


def truncate(made: Delivery) -> None:
    overwrite(entry(made, 3), entry(made, 3).read_bytes()[:500])


def empty(made: Delivery) -> None:
    overwrite(entry(made, 3), b"")


def not_json(made: Delivery) -> None:
    overwrite(entry(made, 3), b"entry 3\n")


def not_utf8(made: Delivery) -> None:
    overwrite(entry(made, 3), b"\xff\xfe\x00")


def json_but_no_bundle(made: Delivery) -> None:
    overwrite(entry(made, 3), b'{"serial": 3}')


def list_instead_of_mapping(made: Delivery) -> None:
    overwrite(entry(made, 3), b"[]")


def nested_too_deeply(made: Delivery) -> None:
    overwrite(entry(made, 3), b"[" * 100_000)


def oversized(made: Delivery) -> None:
    overwrite(entry(made, 3), b" " * (1 << 21))


def payload_altered(made: Delivery) -> None:
    overwrite(entry(made, 3), altered(entry(made, 3).read_bytes()))


def signature_altered(made: Delivery) -> None:
    overwrite(entry(made, 3), signed_otherwise(entry(made, 3).read_bytes()))


def entry_copied(made: Delivery) -> None:
    overwrite(entry(made, 3), entry(made, 2).read_bytes())


def entry_of_another_ledger(made: Delivery) -> None:
    """A whole ledger signed by the same keys, but one in which v2 never was."""
    overwrite(entry(made, 2), entry(made, 1).read_bytes())


def wrong_previous_hash(made: Delivery) -> None:
    """Entry 2 differs in a byte that its own signature does not cover."""
    overwrite(entry(made, 2), entry(made, 2).read_bytes() + b"\n")


def gap(made: Delivery) -> None:
    entry(made, 2).unlink()


def first_entry_missing(made: Delivery) -> None:
    entry(made, 1).unlink()


def entry_is_a_directory(made: Delivery) -> None:
    entry(made, 3).unlink()
    entry(made, 3).mkdir()


def entry_is_a_link_to_nothing(made: Delivery) -> None:
    entry(made, 3).unlink()
    entry(made, 3).symlink_to("nothing")


DAMAGE = [
    truncate,
    empty,
    not_json,
    not_utf8,
    json_but_no_bundle,
    list_instead_of_mapping,
    nested_too_deeply,
    oversized,
    payload_altered,
    signature_altered,
    entry_copied,
    entry_of_another_ledger,
    wrong_previous_hash,
    gap,
    first_entry_missing,
    entry_is_a_directory,
    entry_is_a_link_to_nothing,
]


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_a_damaged_ledger_is_refused_by_every_verb(
    damage: Callable[[Delivery], None],
    delivery: Delivery,
    golden: Callable[[Path, str], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    damage(delivery)
    before = fingerprint(delivery.root)
    told = []
    for verb, *rest in (["history"], ["status"], ["promote", delivery.v2], ["rollback"]):
        answer = local(delivery, capsys, verb, *rest)
        shown = answer.out if verb == "history" else ""
        told.append(f"$ gatekeeper {verb}: {answer.code}\n{shown}{answer.err}")
        assert answer.code in {0, 1, 3}
        assert answer.code or verb == "status"
    assert fingerprint(delivery.root) == before
    golden(GOLDEN / f"ledger_{damage.__name__}.txt", steady("".join(told), delivery))


def steady(text: str, made: Delivery) -> str:
    """Without what differs from one run to the next: digests, keys and times."""
    text = re.sub(r"[0-9a-f]{64}|[0-9a-f]{12}\b", "HEX", text.replace(str(made.root), "PROJECT"))
    return re.sub(r"\d{4}-\d\d-\d\d[T ][\d:.]+Z?", "TIME", text)


def damaged(data: bytes, how: str) -> bytes:
    return data[:-1] if how == "truncated" else data[:-1] + bytes([data[-1] ^ 1])


def blobs(made: Delivery, digest: str) -> list[Path]:
    """The blobs of a release: its OCI manifest and what it names."""
    store = made.project.store / "blobs/sha256"
    top = store / digest.removeprefix("sha256:")
    named = re.findall(r"sha256:([0-9a-f]{64})", top.read_text())
    return [top, *(store / name for name in dict.fromkeys(named))]


@pytest.mark.parametrize("damage", ["truncated", "altered", "absent"])
def test_a_damaged_blob_is_refused(
    damage: str, delivery: Delivery, capsys: pytest.CaptureFixture[str]
) -> None:
    for blob in blobs(delivery, delivery.v1):
        data = blob.read_bytes()
        blob.chmod(0o600)
        if damage == "absent":
            blob.unlink()
        else:
            blob.write_bytes(damaged(data, damage))
        before = fingerprint(delivery.root)
        for verb in ("show", "verify"):
            rest = ["--for", "local"] if verb == "verify" else []
            answer = call([verb, delivery.v1, *rest, "--project", str(delivery.root)], capsys)
            assert answer.code in ({1, 2, 3} if damage == "absent" else {1}), (verb, answer)
            assert answer.err + answer.out
        assert fingerprint(delivery.root) == before
        blob.write_bytes(data)


@pytest.mark.parametrize("damage", ["truncated", "altered", "absent"])
def test_a_damaged_model_file_is_refused(
    damage: str, delivery: Delivery, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = delivery.root / "models/tiny/model.safetensors"
    data = weights.read_bytes()
    if damage == "absent":
        weights.unlink()
    else:
        weights.write_bytes(damaged(data, damage))
    before = fingerprint(delivery.root)
    answer = local(delivery, capsys, "promote", delivery.v2)
    assert answer.code in ({1, 3} if damage == "absent" else {1}), answer
    assert "model.safetensors" in answer.out + answer.err
    assert fingerprint(delivery.root) == before
