"""A project in a real git repository, with a branch that changes something."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def git(directory: Path, *words: str) -> str:
    """What git says; it is nobody's configuration but this."""
    settings = ("user.name=ann", "user.email=ann@example.org", "init.defaultBranch=main")
    options = [part for setting in settings for part in ("-c", setting)]
    command = ["git", *options, "-C", str(directory), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(directory: Path, message: str) -> str:
    """Everything in the directory as a commit; its hash."""
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--message", message)
    return git(directory, "rev-parse", "HEAD")


def make_repository(directory: Path) -> str:
    """The directory as a repository with one commit on main, and a branch `change` checked out."""
    git(directory, "init", "--quiet")
    first = commit(directory, "first")
    git(directory, "switch", "--quiet", "--create", "change")
    return first
