"""The state of a project, new: keys, a keyring, and stores with nothing in them."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Final

from gatekeeper.adapters import keyring
from gatekeeper.adapters.keyring_seen import FILE
from gatekeeper.adapters.project import STATE, Project
from gatekeeper.errors import UnavailableError, UsageError
from gatekeeper.model.keyring import ROLES

ENVIRONMENTS: Final = ("local", "prod")
"""What a new project has."""


def create_state(directory: Path, keys: Path | None = None) -> Project:
    """Make the state of a project whose files are there already, such as a checkout of one.

    Args:
        directory: The project's.
        keys: A directory with a keyring and keys; where there is none, development keys are made.

    Raises:
        UsageError: There is a state already, or no manifests.
        UnavailableError: The disk does not let us.
    """
    home = directory.resolve()
    if (home / STATE).exists():
        raise UsageError(
            "there is a gatekeeper project already", where=str(directory), fix="use it as it is"
        )
    if not (home / "manifests").is_dir():
        raise UsageError(
            "there are no manifests here",
            where=str(directory),
            fix="name the project's directory, or make a new project without --state-only",
        )
    try:
        with tempfile.TemporaryDirectory(prefix=".gatekeeper-init-", dir=home) as staged:
            make_state(Project(Path(staged)), _environments(Project(home)), keys)
            (Path(staged) / STATE).rename(home / STATE)
    except OSError as error:
        raise UnavailableError(
            f"the state cannot be written: {error.strerror}",
            where=str(error.filename or directory),
            fix="make room or allow it, and run init again",
        ) from error
    return Project(home)


def make_state(
    project: Project, environments: tuple[str, ...] = ENVIRONMENTS, keys: Path | None = None
) -> None:
    """The state directory, with empty ledgers, and given or development keys."""
    for name in environments:
        project.ledger(name).mkdir(parents=True)
    for directory in (project.store, project.runs, project.cache):
        directory.mkdir()
    # Keys do not belong into a repository, nor does anything else here.
    (project.state / ".gitignore").write_text("*\n", encoding="utf-8")
    project.keys.mkdir(mode=0o700)
    project.keys.chmod(0o700)
    if keys is not None:
        _take_keys(keys, project)
    else:
        _make_keys(project)


def _environments(project: Project) -> tuple[str, ...]:
    written = project.environment_file("any").parent.glob("*.yaml")
    return tuple(sorted({path.stem for path in written} | set(ENVIRONMENTS)))


def _take_keys(source: Path, project: Project) -> None:
    if not (source / FILE).is_file():
        raise UsageError(
            f"holds no {FILE}",
            where=str(source),
            fix="name a directory with the keyring, the public keys and what signs here",
        )
    for path in source.iterdir():
        if path.is_file():
            shutil.copyfile(path, project.keys / path.name)
            (project.keys / path.name).chmod(0o600)
    keyring.KeyDirectory(project.keys, project.state).keyring()


def _make_keys(project: Project) -> None:
    keys = keyring.KeyDirectory(project.keys, project.state)
    new = [keyring.new_key((role,), password="", development=True) for role in ROLES]
    for pair in new:
        pair.write(project.keys, pair.key.roles[0])
    keys.write(keyring.first(tuple(pair.key for pair in new)))
