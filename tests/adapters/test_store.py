from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from builders import make_project, manifest, write_manifest
from gatekeeper.adapters.store import ReleaseStore
from gatekeeper.core.canonical import canonical, digest
from gatekeeper.core.packing import pack
from gatekeeper.errors import IntegrityError, UsageError
from gatekeeper.model.base import COMPONENTS
from gatekeeper.model.components import DayBudget
from releases import repack, saved

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.core.packing import Packed


@pytest.fixture
def stored(tmp_path: Path) -> tuple[ReleaseStore, Packed]:
    return saved(make_project(tmp_path))


def test_a_release_comes_back_as_it_went(stored: tuple[ReleaseStore, Packed]) -> None:
    store, packed = stored
    release = store.load(packed.release.digest)
    assert release == packed.release
    assert store.document(release, "velar.md").startswith(b"The warranty")
    assert sorted(store.documents(release)) == ["tenants/acme/contract.md", "velar.md", "zentor.md"]
    with pytest.raises(UsageError, match="no document"):
        store.document(release, "x.md")


def test_the_layout_is_plain_oci(stored: tuple[ReleaseStore, Packed]) -> None:
    store, packed = stored
    manifest = json.loads(store.get(packed.release.digest))
    assert manifest["artifactType"] == "application/vnd.gatekeeper.release.v1"
    assert manifest["config"]["mediaType"] == "application/vnd.gatekeeper.release.config.v1+json"
    titles = [
        layer["annotations"]["org.opencontainers.image.title"] for layer in manifest["layers"]
    ]
    assert titles == [f"{name}.{'tar' if name == 'retrieval' else 'json'}" for name in COMPONENTS]
    for layer in [manifest["config"], *manifest["layers"]]:
        assert len(store.get(layer["digest"])) == layer["size"]
    config = json.loads(store.get(manifest["config"]["digest"]))
    assert sorted(config) == ["components", "governance", "name", "schemaVersion"]


def test_every_damaged_blob_is_named_and_refused(stored: tuple[ReleaseStore, Packed]) -> None:
    store, packed = stored
    for name in [packed.release.digest, *packed.blobs]:
        path = store.layout.path(name)
        whole = path.read_bytes()
        altered = bytes([whole[0] ^ 1]) + whole[1:]
        for damage in (altered, whole[:-1], whole + b" ", b""):
            path.write_bytes(damage)
            with pytest.raises(IntegrityError, match=name):
                store.load(packed.release.digest)
        path.unlink()
        with pytest.raises(IntegrityError, match=name):
            store.load(packed.release.digest)
        path.write_bytes(whole)
    assert store.load(packed.release.digest) == packed.release


def test_sound_blobs_that_are_no_release_are_refused(stored: tuple[ReleaseStore, Packed]) -> None:
    store, packed = stored
    manifest = json.loads(packed.manifest)

    def refused(match: str, **changes: object) -> None:
        with pytest.raises(IntegrityError, match=match):
            store.load(store.put(canonical({**manifest, **changes})))

    refused("not a release", artifactType="text/plain")
    refused("disagree", layers=manifest["layers"][:-1])
    refused("disagree", layers=manifest["layers"][::-1])
    other = store.put(b'{"name": "x"}')
    refused("its config cannot be read", config={**manifest["config"], "digest": other, "size": 13})


def test_a_component_of_a_later_version_is_not_half_understood(
    stored: tuple[ReleaseStore, Packed],
) -> None:
    store, packed = stored
    manifest, name = json.loads(packed.manifest), "budgets"
    data = canonical({"surprise": 1})
    layer = {**manifest["layers"][-1], "digest": store.put(data), "size": len(data)}
    config = json.loads(store.get(manifest["config"]["digest"]))
    config["components"][name] = layer["digest"]
    blob = canonical(config)
    manifest["config"] |= {"digest": store.put(blob), "size": len(blob)}
    manifest["layers"][-1] = layer
    with pytest.raises(IntegrityError, match=r"components cannot be read: budgets\.surprise"):
        store.load(store.put(canonical(manifest)))


def test_a_document_that_is_not_what_the_component_says(tmp_path: Path) -> None:
    _, packed = saved(make_project(tmp_path))
    release = packed.release
    documents = {document.path: b"?" for document in release.components.retrieval.documents}
    other = pack(release.name, release.governance, release.components, documents)
    store = ReleaseStore(tmp_path / "other")
    with pytest.raises(IntegrityError, match=r"contract\.md"):
        store.load(store.save(other))


def test_names_and_prefixes(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    store, packed = saved(root)
    whole = packed.release.digest
    for text in ("desk", whole, f"desk@{whole}", whole[:14], whole[7:13], f"desk@{whole[:20]}"):
        assert store.resolve(text) == whole
    for text in ("other", f"other@{whole}", "sha256:" + "0" * 64, "manifests/x.yaml"):
        with pytest.raises(UsageError, match="holds desk"):
            store.resolve(text)
    second = repack(packed, "budgets", per_day=DayBudget(usd=1.0))
    store.save(second)
    with pytest.raises(UsageError, match="could be any of desk@sha256:"):
        store.resolve("desk")
    assert [found.digest for found in store.list()] == [whole, second.release.digest]


def test_a_name_that_looks_like_a_digest(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    content = manifest()
    content["metadata"]["name"] = "beef"
    write_manifest(root, content)
    store, packed = saved(root)
    assert store.resolve("beef") == packed.release.digest


def test_an_empty_store_says_so(tmp_path: Path) -> None:
    store = ReleaseStore(tmp_path / "store")
    assert store.list() == ()
    with pytest.raises(UsageError, match="holds nothing yet"):
        store.resolve("desk")


def test_statements_hang_beside_a_release(stored: tuple[ReleaseStore, Packed]) -> None:
    store, packed = stored
    subject = packed.release.digest
    first = store.attach(subject, b"one", "https://a")
    second, third = store.attach_all(subject, [(b"two", "https://b"), (b"three", "https://a")])
    assert store.referrers(subject) == ((first, b"one"), (second, b"two"), (third, b"three"))
    assert store.referrers(subject, "https://a") == ((first, b"one"), (third, b"three"))
    assert store.referrers(digest(b"other")) == ()
    assert [kind for kind, _, _ in store.statements(subject)] == [
        "https://a",
        "https://b",
        "https://a",
    ]
    manifest = json.loads(store.get(first))
    bundle = "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert manifest["artifactType"] == manifest["layers"][0]["mediaType"] == bundle
    assert manifest["config"]["mediaType"] == "application/vnd.oci.empty.v1+json"
    assert manifest["subject"]["digest"] == subject
    assert manifest["annotations"]["dev.sigstore.bundle.content"] == "dsse-envelope"
    assert manifest["annotations"]["dev.sigstore.bundle.predicateType"] == "https://a"
    assert [found.digest for found in store.list()] == [subject]


def test_a_statement_about_something_else_is_refused(stored: tuple[ReleaseStore, Packed]) -> None:
    store, packed = stored
    subject = packed.release.digest
    store.attach(subject, b"one", "https://a")
    index = json.loads((store.layout.root / "index.json").read_text())
    index["manifests"][-1]["annotations"]["dev.gatekeeper.subject"] = digest(b"x")
    (store.layout.root / "index.json").write_text(json.dumps(index))
    with pytest.raises(IntegrityError, match="is not about"):
        store.referrers(digest(b"x"))


def test_a_build_record_that_is_none_is_refused(stored: tuple[ReleaseStore, Packed]) -> None:
    store, packed = stored
    subject = packed.release.digest
    assert store.record(subject) is None
    store.attach(subject, b"{}", "https://gatekeeper.dev/build/v1")
    with pytest.raises(IntegrityError):
        store.record(subject)
