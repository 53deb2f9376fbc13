"""A new project on disk: whole, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gatekeeper.adapters.project import STATE, Project
from gatekeeper.adapters.skeleton import SKELETON
from gatekeeper.adapters.state import ENVIRONMENTS, make_state
from gatekeeper.core.wording import first_of
from gatekeeper.errors import UnavailableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

EXAMPLES: Final = ("support-desk",)
EXAMPLE_PARTS: Final = ("manifests", "gates", "eval_sets", "models/support-desk")

_LOCAL: Final = """\
# Where you try things. The keys that `gatekeeper init` made have no password: they count here.
apiVersion: gatekeeper/v1
kind: Environment
name: local
description: This machine.
accepts_development_keys: true
allow_unpinned_models: false
verdict_max_age: 24h
regions: [{regions}]
"""
_PROD: Final = """\
# Where it matters: only releases, verdicts and promotions that real keys signed.
# Make such keys with `gatekeeper keys generate --role release` (then gate, promote, root).
apiVersion: gatekeeper/v1
kind: Environment
name: prod
description: What customers meet.
accepts_development_keys: false
allow_unpinned_models: false
verdict_max_age: 24h
# No verdict in which somebody took a rule out of the decision.
refuses_evidence: [skipped]
regions: [{regions}]
"""


def example_root(example: str) -> Path:
    """Where the files of a bundled example are: in the package, or in a source checkout.

    Raises:
        UsageError: There is no such example.
        UnavailableError: This installation came without it.
    """
    import gatekeeper

    if example not in EXAMPLES:
        raise UsageError(
            f"there is no example {example!r}", fix=f"the examples are {', '.join(EXAMPLES)}"
        )
    package = Path(gatekeeper.__file__).resolve().parent
    for root in (package / "_example", package.parents[1]):
        if (root / "manifests" / f"{example}-v1.yaml").is_file():
            return root
    raise UnavailableError("the example's files are not installed", where=str(package))


def create(directory: Path, example: str | None) -> tuple[Project, tuple[str, ...]]:
    """Make a project in `directory`; returns it and the files that a person may edit.

    Everything is made beside its place and moved there at the end; what cannot be finished is
    taken away again.

    Raises:
        UsageError: A project, or a file that would be overwritten, is there already.
        UnavailableError: The disk does not let us.
    """
    try:
        return _create(directory.absolute(), example)
    except OSError as error:
        raise UnavailableError(
            f"the project cannot be written: {error.strerror}",
            where=str(error.filename or directory),
            fix="make room or allow it, and run init again",
        ) from error


def _create(directory: Path, example: str | None) -> tuple[Project, tuple[str, ...]]:
    if (directory / STATE).exists():
        raise UsageError(
            "there is a gatekeeper project already", where=str(directory), fix="use it as it is"
        )
    parent = directory if directory.is_dir() else directory.parent
    if not parent.is_dir():
        raise UsageError("no such directory", where=str(parent), fix="make it first")
    staged = Path(tempfile.mkdtemp(prefix=".gatekeeper-init-", dir=parent))
    try:
        files = _fill(staged, example)
        _refuse_overwriting(directory, files)
        _move(staged, directory, files)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return Project(directory.resolve()), files


def _fill(root: Path, example: str | None) -> tuple[str, ...]:
    """Write everything below `root`; returns the files outside the state directory."""
    if example is not None:
        source = example_root(example)
        for part in EXAMPLE_PARTS:
            _copy(source / part, root / part)
    else:
        for path, text in SKELETON.items():
            _write(root / path, text)
    regions = "eu" if example else ""
    for name, text in zip(ENVIRONMENTS, (_LOCAL, _PROD), strict=True):
        file = Project(root).environment_file(name)
        if not file.exists():
            _write(file, text.format(regions=regions))
    files = tuple(
        sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    )
    make_state(Project(root))
    return files


def _copy(source: Path, target: Path) -> None:
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        if path.is_file() and path.suffix != ".py" and "__pycache__" not in name.parts:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / name)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _refuse_overwriting(directory: Path, files: Iterable[str]) -> None:
    there = [name for name in files if os.path.lexists(directory / name)]
    if there:
        raise UsageError(
            f"would overwrite {first_of(there, 5)}",
            where=str(directory),
            fix="use an empty directory, or move these away",
        )


def _move(staged: Path, directory: Path, files: tuple[str, ...]) -> None:
    """Move what was staged into place; the state directory, which makes it a project, last."""
    if not directory.exists():
        staged.chmod(0o755)
        staged.rename(directory)
        return
    made: list[Path] = []
    try:
        for name in files:
            target = directory / name
            made += _directories(target.parent, directory)
            # `link` fails where something has appeared meanwhile; `rename` would replace it.
            target.hardlink_to(staged / name)
            made.append(target)
        (staged / STATE).rename(directory / STATE)
    except BaseException:
        for path in reversed(made):
            path.rmdir() if path.is_dir() else path.unlink()
        raise


def _directories(directory: Path, root: Path) -> list[Path]:
    """Make a directory below `root`; returns those that were not there."""
    missing = [
        path
        for path in (directory, *directory.parents)
        if path.is_relative_to(root) and not path.exists()
    ]
    for path in reversed(missing):
        path.mkdir()
    return list(reversed(missing))
