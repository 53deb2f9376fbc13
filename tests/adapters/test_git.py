"""What git knows of a checkout, asked of real repositories."""

import pytest

from builders import write
from gatekeeper.adapters.git import Checkout
from gatekeeper.errors import UnavailableError, UsageError
from repositories import commit, git, make_repository


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "repository"
    for name in ("kept.txt", "altered.txt", "moved.txt", "gone.txt", "inner/file.txt"):
        write(root / name, f"{name}\n" * 9)
    write(root / ".gitignore", "ignored\n")
    make_repository(root)
    return root


def change(root):
    write(root / "altered.txt", "other\n")
    git(root, "mv", "moved.txt", "inner/näher\n.txt")
    (root / "gone.txt").unlink()
    commit(root, "second")
    write(root / "inner/new.txt", "not yet known to git\n")
    write(root / "ignored", "")


def test_altered_moved_deleted_and_new_files_are_changes(root):
    base = git(root, "rev-parse", "HEAD")
    change(root)
    checkout = Checkout.at(root)
    assert checkout.merge_base("main") == base
    assert checkout.changed(base) == {
        "altered.txt",
        "moved.txt",
        "inner/näher\n.txt",
        "gone.txt",
        "inner/new.txt",
    }
    assert checkout.text(base, "gone.txt").startswith("gone.txt\n")
    assert checkout.text(base, "inner/new.txt") == ""


def test_paths_are_relative_to_the_directory_and_nothing_above_it_counts(root):
    base = git(root, "rev-parse", "HEAD")
    change(root)
    inner = Checkout.at(root / "inner")
    assert inner.changed(base) == {"näher\n.txt", "new.txt"}
    assert inner.text(base, "file.txt").startswith("inner/file.txt")


def test_what_main_did_in_the_meantime_is_no_change_of_this_branch(root):
    base = git(root, "rev-parse", "HEAD")
    git(root, "switch", "--quiet", "main")
    write(root / "kept.txt", "main went on\n")
    commit(root, "on main")
    git(root, "switch", "--quiet", "change")
    checkout = Checkout.at(root)
    assert checkout.merge_base("main") == base
    assert checkout.changed(base) == frozenset()


@pytest.mark.parametrize("inside", ["", "inner"])
def test_the_tree_of_a_commit_is_put_beside_without_touching_the_repository(root, tmp_path, inside):
    base = git(root, "rev-parse", "HEAD")
    change(root)
    before = git(root, "status", "--porcelain")
    target = tmp_path / "then"
    there = Checkout.at(root / inside).put(base, target)
    assert there.resolve() == (target / inside).resolve()
    assert (target / "inner/file.txt").read_text().startswith("inner/file.txt")
    if not inside:
        assert (there / "gone.txt").is_file()
        assert not (there / "inner/new.txt").exists()
    assert git(root, "status", "--porcelain") == before
    assert Checkout.at(root / inside).put(base, target) == there
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".tmp-")] == []


def test_an_unknown_revision_is_refused_and_never_taken_for_an_option(root):
    for revision in ("nowhere", "--all", "-x"):
        with pytest.raises(UsageError, match="git knows no commit") as caught:
            Checkout.at(root).merge_base(revision)
        assert revision in caught.value.what


def test_outside_a_working_tree_it_says_so(tmp_path):
    with pytest.raises(UsageError, match="is not in a git working tree"):
        Checkout.at(tmp_path)


def test_a_repository_of_somebody_else_is_told_with_what_to_do(root, monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(UsageError, match="dubious ownership") as caught:
        Checkout.at(root)
    assert "safe.directory" in caught.value.fix


def test_histories_without_a_commit_in_common_are_told(root):
    git(root, "switch", "--quiet", "--orphan", "stranger")
    write(root / "a.txt", "a")
    commit(root, "another beginning")
    with pytest.raises(UsageError, match="no commit in common with 'main'") as caught:
        Checkout.at(root).merge_base("main")
    assert "name a revision" in caught.value.fix


def test_a_shallow_clone_is_told_to_fetch_more(root, tmp_path):
    first = git(root, "rev-parse", "HEAD")
    change(root)
    url = root.as_uri()
    git(tmp_path, "clone", "--quiet", "--depth", "1", "--branch", "change", url, "shallow")
    with pytest.raises(UsageError, match="git knows no commit") as caught:
        Checkout.at(tmp_path / "shallow").merge_base(first)
    assert "fetch-depth: 0" in caught.value.fix


def test_hooks_of_the_repository_are_not_run(root, tmp_path):
    hook = write(root / ".git/hooks/post-checkout", f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    Checkout.at(root).put("HEAD", tmp_path / "then")
    assert not (tmp_path / "ran").exists()


def test_a_git_that_fails_is_not_taken_for_no_change(root):
    with pytest.raises(UnavailableError, match="git diff failed"):
        Checkout.at(root).changed("0" * 40)


def test_without_git_it_says_what_to_do(root, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(UnavailableError, match="git is not installed"):
        Checkout.at(root)
