"""A project on disk: its places, and what is inside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatekeeper.adapters.project import Project
from gatekeeper.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "real" / ".gatekeeper").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    return Project.open(tmp_path / "link")


def test_its_root_is_free_of_links(project: Project, tmp_path: Path) -> None:
    assert project.root == tmp_path.resolve() / "real"


def test_everything_it_writes_is_below_one_directory(project: Project) -> None:
    written = [project.store, project.keys, project.cache, project.runs, project.ledger("prod")]
    assert [path.relative_to(project.state).as_posix() for path in written] == [
        "store",
        "keys",
        "cache",
        "runs",
        "ledger/prod",
    ]
    assert project.relative(project.environment_file("prod")) == "manifests/environments/prod.yaml"


def test_a_directory_without_state_is_none(tmp_path: Path) -> None:
    (tmp_path / ".gatekeeper").write_text("a file")
    for directory in (tmp_path, tmp_path / "absent"):
        with pytest.raises(UsageError, match="no gatekeeper project here"):
            Project.open(directory)


def test_paths_inside(project: Project) -> None:
    (project.root / "a").mkdir()
    (project.root / "a" / "link").symlink_to("../b")
    assert project.inside("a/x") == project.root / "a" / "x"
    assert project.inside("../b", relative_to=project.root / "a") == project.root / "b"
    assert project.inside("a/link") == project.root / "b"
    assert project.inside(".") == project.root


@pytest.mark.parametrize(
    "path", ["..", "../x", "/etc", "a/../../x", "out/x", "loop/x", "\0", "~/../../.."]
)
def test_paths_outside(project: Project, path: str) -> None:
    (project.root / "out").symlink_to(project.root.parent)
    (project.root / "loop").symlink_to("loop")
    with pytest.raises(UsageError, match="leaves the project"):
        project.inside(path)


def test_how_people_write_a_path(project: Project, tmp_path: Path) -> None:
    assert project.relative(project.root / "a" / "b.yaml") == "a/b.yaml"
    assert project.relative(tmp_path / "other") == str(tmp_path.resolve() / "other")
