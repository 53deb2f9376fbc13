from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builders import make_project, write
from gatekeeper.adapters.hashing import FileHasher
from gatekeeper.adapters.models import ModelLibrary
from gatekeeper.adapters.project import Project
from gatekeeper.adapters.sources import ProjectSources
from gatekeeper.errors import InputError, UsageError
from gatekeeper.model.components import Example
from gatekeeper.model.manifest import DirectoryRef

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_project(tmp_path)


@pytest.fixture
def sources(root: Path) -> ProjectSources:
    project = Project(root.resolve())
    library = ModelLibrary(project, FileHasher(project.cache / "files.jsonl"), {})
    return ProjectSources(project, library)


def test_texts_and_values(root: Path, sources: ProjectSources) -> None:
    assert sources.text("manifests/desk/system.jinja").startswith("You are")
    write(root / "shots.yaml", "- {user: a, assistant: b}\n- {user: c, assistant: 1}\n")
    with pytest.raises(InputError) as caught:
        sources.value("shots.yaml", tuple[Example, ...])
    assert (caught.value.problems[0].file, caught.value.problems[0].line) == ("shots.yaml", 2)
    write(root / "shots.yaml", "- {user: a, assistant: b}\n")
    assert sources.value("shots.yaml", tuple[Example, ...]).value == (
        Example(user="a", assistant="b"),
    )
    with pytest.raises(UsageError, match="leaves the project"):
        sources.text("../outside")


def test_a_snapshot_is_text_without_hidden_files(root: Path, sources: ProjectSources) -> None:
    write(root / "manifests/desk/docs/.hidden", "no")
    write(root / "manifests/desk/docs/.git/config", "no")
    found = sources.snapshot("manifests/desk/docs")
    assert sorted(found) == ["tenants/acme/contract.md", "velar.md", "zentor.md"]
    (root / "manifests/desk/docs/image.png").write_bytes(b"\x89PNG\x00")
    with pytest.raises(InputError) as caught:
        sources.snapshot("manifests/desk/docs")
    assert caught.value.problems[0].file == "manifests/desk/docs/image.png"


def test_models_come_from_the_library(sources: ProjectSources) -> None:
    assert sources.model(DirectoryRef(directory="models/tiny")).location == "models/tiny"
