"""A project in a fresh checkout, and releases of it as it was."""

import json
import os
import shutil

import pytest

from builders import make_model, make_project, write
from gatekeeper.cli.main import run
from gatekeeper.errors import IntegrityError, UsageError
from repositories import commit, git, make_repository


@pytest.fixture
def checkout(tmp_path):
    """A repository with a project in a directory of it; git does not hold the model."""
    root = make_project(tmp_path / "repository")
    shutil.rmtree(root / ".gatekeeper")
    write(root / "manifests/environments/staging.yaml", "")
    write(root / ".gitignore", "models/\n")
    make_repository(root.parent)
    return root.resolve()


def line(root, capsys, *words):
    capsys.readouterr()
    assert run([*words, "--project", str(root), "--output", "json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """A new state: its keys take their time."""
    root = tmp_path_factory.mktemp("state")
    (root / "manifests").mkdir()
    assert run(["init", "--state-only", str(root)]) == 0
    return root / ".gatekeeper"


@pytest.fixture
def project(checkout, state):
    shutil.copytree(state, checkout / ".gatekeeper")
    return checkout


def test_a_checkout_gets_a_state_of_its_own_and_keeps_its_files(checkout, capsys):
    before = git(checkout, "ls-files")
    assert run(["init", "--state-only", str(checkout)]) == 0
    assert git(checkout, "ls-files", "--others", "--exclude-standard") == ""
    assert git(checkout, "ls-files") == before
    assert sorted(path.name for path in (checkout / ".gatekeeper/ledger").iterdir()) == [
        "local",
        "prod",
        "staging",
    ]
    keys = line(checkout, capsys, "keys", "list")["keys"]
    assert all(key["development"] for key in keys)
    assert line(checkout, capsys, "build", "manifests/desk-v1.yaml")["name"] == "desk"
    assert not list(checkout.glob(".gatekeeper-init-*"))


def test_a_state_is_made_once_and_only_beside_manifests(project, tmp_path):
    with pytest.raises(UsageError, match="there is a gatekeeper project already"):
        run(["init", "--state-only", str(project)])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="there are no manifests here"):
        run(["init", "--state-only", str(tmp_path / "empty")])
    with pytest.raises(UsageError, match="writes no example"):
        run(["init", "--state-only", "--example", "support-desk", str(tmp_path / "empty")])
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_release_is_built_as_it_was_from_the_files_of_that_time(project, capsys):
    manifest = "manifests/desk-v1.yaml"
    before = line(project, capsys, "build", manifest)["digest"]
    write(project / "manifests/desk/system.jinja", "Be kind.\n")
    write(project / "manifests/desk/docs/new.md", "The warranty of the Mirla is 5 months.\n")
    now = line(project, capsys, "build", manifest)["digest"]
    assert now != before
    assert line(project, capsys, "build", manifest, "--at", "main")["digest"] == before
    assert git(project, "status", "--porcelain").split() == [
        *("M", "project/manifests/desk/system.jinja"),
        *("??", "project/manifests/desk/docs/new.md"),
    ]


def test_a_manifest_that_is_gone_can_be_built_as_it_was(project, capsys):
    manifest = "manifests/desk-v1.yaml"
    before = line(project, capsys, "build", manifest)["digest"]
    (project / manifest).unlink()
    assert line(project, capsys, "build", manifest, "--at", "HEAD")["digest"] == before
    with pytest.raises(UsageError, match="git knows no commit 'nowhere'"):
        run(["build", manifest, "--at", "nowhere", "--project", str(project)])


def test_a_model_that_git_holds_is_the_one_of_that_time(project, capsys):
    write(project / ".gitignore", "")
    then = commit(project, "the model too")
    manifest = "manifests/desk-v1.yaml"
    before = line(project, capsys, "build", manifest)["digest"]
    make_model(project / "models/tiny", seed=2)
    assert line(project, capsys, "build", manifest)["digest"] != before
    assert line(project, capsys, "build", manifest, "--at", then)["digest"] == before
    record = line(project, capsys, "show", before[:19])["record"]
    assert record["model_locations"] == {
        "small": f".gatekeeper/checkouts/{then}/project/models/tiny"
    }


def test_checkouts_that_nobody_used_go_unless_a_release_has_its_model_there(project, capsys):
    manifest = "manifests/desk-v1.yaml"
    write(project / ".gitignore", "")
    model = commit(project, "the model too")
    line(project, capsys, "build", manifest, "--at", model)
    kept = project / ".gatekeeper/checkouts"
    (kept / "of-old").mkdir()
    for one in kept.iterdir():
        os.utime(one, (0, 0))
    (project / "models/tiny/config.json").write_text("{}")
    make_model(project / "models/tiny", seed=3)
    later = commit(project, "another model")
    line(project, capsys, "build", manifest, "--at", later)
    assert {path.name for path in kept.iterdir()} == {model, later}


def test_a_state_takes_the_keys_that_it_is_given(checkout, state, capsys):
    words = ["init", "--state-only", str(checkout), "--keys", str(state / "keys")]
    assert run(words) == 0
    given = {key["id"] for key in line(checkout, capsys, "keys", "list")["keys"] if key["private"]}
    assert given == {key["id"] for key in line(state.parent, capsys, "keys", "list")["keys"]}
    modes = {path.stat().st_mode & 0o777 for path in (checkout / ".gatekeeper/keys").iterdir()}
    assert modes == {0o600}


def test_keys_that_are_none_leave_no_state(checkout, state, tmp_path):
    words = ["init", "--state-only", str(checkout), "--keys"]
    with pytest.raises(UsageError, match=r"holds no keyring\.json"):
        run([*words, str(tmp_path)])
    damaged = shutil.copytree(state / "keys", tmp_path / "damaged")
    text = (damaged / "keyring.json").read_text()
    (damaged / "keyring.json").write_text(text.replace('"signatures"', '"signature"'))
    with pytest.raises(IntegrityError):
        run([*words, str(damaged)])
    with pytest.raises(UsageError, match="belongs to --state-only"):
        run(["init", "--keys", str(state / "keys"), str(tmp_path / "new")])
    assert not (checkout / ".gatekeeper").exists()
    assert not list(checkout.glob(".gatekeeper-init-*"))
