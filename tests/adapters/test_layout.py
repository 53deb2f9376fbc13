from __future__ import annotations

import json
import multiprocessing
from typing import TYPE_CHECKING

import pytest

from gatekeeper.adapters.layout import Layout, descriptor, manifest_descriptor
from gatekeeper.core.canonical import digest
from gatekeeper.errors import IntegrityError, UnavailableError, UsageError
from gatekeeper.model.oci import EMPTY_TYPE, MANIFEST_TYPE, Manifest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "store")


def entry(number: int) -> object:
    return manifest_descriptor(digest(str(number).encode()), 1, "type", {"n": str(number)})


def test_bytes_come_back_by_their_digest(layout: Layout) -> None:
    name = layout.put(b"content")
    assert name == digest(b"content")
    assert layout.put(b"content") == name
    assert layout.get(name) == b"content" == layout.get(name, 7)
    assert layout.has(name)
    assert not layout.has(digest(b"other"))


def test_damage_is_named(layout: Layout) -> None:
    name = layout.put(b"content")
    path = layout.path(name)
    with pytest.raises(IntegrityError, match="has 7 bytes, not 8"):
        layout.get(name, 8)
    path.write_bytes(b"cOntent")
    with pytest.raises(IntegrityError, match="altered") as caught:
        layout.get(name)
    assert name in str(caught.value)
    assert "build the release again" in caught.value.fix
    path.unlink()
    with pytest.raises(IntegrityError, match="missing"):
        layout.get(name)


def test_storing_again_repairs(layout: Layout) -> None:
    name = layout.put(b"content")
    layout.path(name).write_bytes(b"cut")
    assert layout.put(b"content") == name
    assert layout.get(name) == b"content"


def test_a_link_or_a_directory_is_no_blob(layout: Layout, tmp_path: Path) -> None:
    name = layout.put(b"content")
    path = layout.path(name)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(IntegrityError, match="cannot be read"):
        layout.get(name)
    path.unlink()
    path.mkdir()
    with pytest.raises(IntegrityError, match="not a regular file"):
        layout.get(name)


@pytest.mark.parametrize("name", ["", "sha256:../../x", "sha256:" + "g" * 64, "md5:" + "0" * 64])
def test_what_is_no_digest_is_no_path(layout: Layout, name: str) -> None:
    with pytest.raises(UsageError, match="no digest"):
        layout.get(name)


def test_manifests_are_read_back(layout: Layout) -> None:
    manifest = Manifest(media_type=MANIFEST_TYPE, config=descriptor(b"{}", EMPTY_TYPE), layers=())
    name, size = layout.put_manifest(manifest)
    assert layout.manifest(name, size) == manifest
    with pytest.raises(IntegrityError, match="no OCI manifest"):
        layout.manifest(layout.put(b"{}"))


def test_the_index_keeps_its_order_and_replaces_what_is_there(layout: Layout) -> None:
    assert layout.index() == ()
    layout.add(entry(1), entry(2))
    before = (layout.root / "index.json").stat()
    layout.add(entry(2))
    assert (layout.root / "index.json").stat().st_mtime_ns == before.st_mtime_ns
    layout.add(entry(1))
    assert [found.annotation("n") for found in layout.index()] == ["2", "1"]
    assert json.loads((layout.root / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}


def test_what_others_wrote_into_the_index_stays(layout: Layout) -> None:
    other = {"mediaType": "x/y", "digest": digest(b"o"), "size": 1, "platform": {"os": "none"}}
    layout.root.mkdir()
    (layout.root / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [other]}))
    layout.add(entry(1))
    assert json.loads((layout.root / "index.json").read_text())["manifests"][0] == other


def test_a_damaged_index_is_named(layout: Layout) -> None:
    layout.add(entry(1))
    path = layout.root / "index.json"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(IntegrityError, match="index of the store is damaged"):
        layout.index()
    path.unlink()
    path.mkdir()
    with pytest.raises(UnavailableError):
        layout.index()


def test_several_processes_lose_no_entry(layout: Layout) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_add, args=(layout, start)) for start in (0, 100, 200)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    numbers = sorted(int(found.annotation("n")) for found in layout.index())
    assert numbers == [start + number for start in (0, 100, 200) for number in range(10)]


def _add(layout: Layout, start: int) -> None:
    for number in range(10):
        layout.add(entry(start + number))
