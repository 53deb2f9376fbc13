from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from builders import make_model, make_project, write
from gatekeeper.adapters.hashing import FileHasher
from gatekeeper.adapters.models import ModelLibrary
from gatekeeper.adapters.project import Project
from gatekeeper.errors import InputError, IntegrityError, UnavailableError, UsageError
from gatekeeper.model.manifest import DirectoryRef, EndpointRef, HuggingFaceRef, OciRef

if TYPE_CHECKING:
    from pathlib import Path

REVISION = "0123456789abcdef0123456789abcdef01234567"
FILES = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
TINY = DirectoryRef(directory="models/tiny")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_project(tmp_path)


def library(root: Path, **environment: str) -> ModelLibrary:
    hasher = FileHasher(root / ".gatekeeper" / "cache" / "files.jsonl")
    return ModelLibrary(Project(root.resolve()), hasher, environment)


def hub_model(home: Path) -> Path:
    """A repository in the layout of the Hugging Face cache: links into `blobs`."""
    repository = home / "hub" / "models--org--tiny"
    make_model(repository / "blobs")
    snapshot = repository / "snapshots" / REVISION
    snapshot.mkdir(parents=True)
    for name in FILES:
        (snapshot / name).symlink_to(os.path.relpath(repository / "blobs" / name, snapshot))
    return snapshot


def test_a_directory_of_the_project(root: Path) -> None:
    write(root / "models/tiny/.cache/x", "hidden")
    write(root / "models/tiny/ct2/README.txt", "not a part")
    write(root / "models/tiny/ct2/model.bin", "a part")
    found = library(root).find(TINY)
    assert found.location == "models/tiny"
    assert [file.path for file in found.files] == [
        "config.json",
        "ct2/model.bin",
        *FILES[1:],
    ]
    assert found.config["max_position_embeddings"] == 2048


def test_the_hugging_face_cache(root: Path, tmp_path: Path) -> None:
    hub_model(tmp_path / "home")
    source = HuggingFaceRef(repo="org/tiny", revision=REVISION)
    for environment in (
        {"HF_HOME": str(tmp_path / "home")},
        {"HF_HUB_CACHE": str(tmp_path / "home/hub")},
    ):
        found = library(root, **environment).find(source)
        assert found.location == f"hf:org/tiny@{REVISION}"
        assert found.files == library(root).find(TINY).files
    with pytest.raises(UsageError, match="not in the Hugging Face cache") as caught:
        library(root, HOME=str(tmp_path)).find(source)
    assert "hf download org/tiny" in caught.value.fix


def test_a_link_out_of_the_repository_is_refused(root: Path, tmp_path: Path) -> None:
    snapshot = hub_model(tmp_path / "home")
    (snapshot / "extra").symlink_to(root / "models/tiny/README.md")
    with pytest.raises(UsageError, match="leaves its repository"):
        library(root, HF_HOME=str(tmp_path / "home")).find(
            HuggingFaceRef(repo="org/tiny", revision=REVISION)
        )


def test_a_hosted_model_has_no_files(root: Path) -> None:
    found = library(root).find(EndpointRef(endpoint="gpt-x"))
    assert (found.location, found.root, found.files) == ("endpoint:gpt-x", None, ())
    with pytest.raises(UsageError, match="no files"):
        library(root).root(found.location)


def test_an_oci_model_cannot_be_read_yet(root: Path) -> None:
    with pytest.raises(UnavailableError, match="cannot be read yet"):
        library(root).find(OciRef(oci="models/x@sha256:" + "0" * 64))


def test_what_is_no_model_is_refused(root: Path) -> None:
    write(root / "models/empty/README.md", "only words")
    with pytest.raises(UsageError, match="no model files"):
        library(root).find(DirectoryRef(directory="models/empty"))
    with pytest.raises(UsageError, match="no such directory"):
        library(root).find(DirectoryRef(directory="models/none"))
    for text, message in (("{", "not JSON"), ("[]", "not a JSON object")):
        write(root / "models/tiny/config.json", text)
        with pytest.raises(InputError) as caught:
            library(root).find(TINY)
        assert message in caught.value.problems[0].message


def test_a_model_without_config_is_one(root: Path) -> None:
    (root / "models/tiny/config.json").unlink()
    assert library(root).find(TINY).config == {}


def test_released_files_are_admitted(root: Path) -> None:
    found = library(root).find(TINY)
    admitted = library(root).admit("small", found.files, found.location)
    assert admitted.root == root.resolve() / "models/tiny"
    assert set(admitted.files) == set(FILES)
    assert admitted.digest.startswith("sha256:")
    write(root / "models/tiny/extra.txt", "what the release does not name does not count")
    assert library(root).admit("small", found.files, found.location) == admitted


def test_every_file_that_differs_is_named(root: Path) -> None:
    found = library(root).find(TINY)
    weights = root / "models/tiny/model.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    (root / "models/tiny/config.json").unlink()
    with pytest.raises(IntegrityError) as caught:
        library(root).admit("small", found.files, found.location)
    assert "config.json is missing, model.safetensors has been altered" in caught.value.what
