"""Runs on disk: `run.json`, and the seal that it puts on the tables beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from gatekeeper.adapters import atomic
from gatekeeper.adapters.files import read_regular
from gatekeeper.adapters.records import LINES
from gatekeeper.adapters.tables import digests, write_tables
from gatekeeper.core.canonical import canonical_model
from gatekeeper.errors import IntegrityError, UsageError
from gatekeeper.model.run import Run

if TYPE_CHECKING:
    from gatekeeper.adapters.project import Project

RUN_FILE: Final = "run.json"
_LIMIT: Final = 16 << 20


def write_run(directory: Path, run: Run) -> None:
    """Put `run.json` in place, whole."""
    atomic.replace(directory / RUN_FILE, canonical_model(run))


def read_run(directory: Path) -> Run:
    """The run in a directory; raises `IntegrityError` when `run.json` is not one."""
    from pydantic import ValidationError

    path = directory / RUN_FILE
    data = read_regular(path.resolve(), str(path), _LIMIT)
    try:
        return Run.model_validate_json(data)
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, detail["loc"]))
        raise IntegrityError(
            f"does not describe a run: {where + ': ' if where else ''}{detail['msg']}",
            where=str(path),
            fix="restore the file, or evaluate again",
        ) from None


def find_run(project: Project, reference: str) -> Path:
    """The directory of a run: its id, an unambiguous beginning of it, or a path."""
    found = _called(project, reference)
    if len(found) == 1:
        return found[0]
    what, fix = "no such run", "`gatekeeper runs list` lists those there are"
    if found:
        what = f"{len(found)} runs begin so"
        fix = f"name one of {', '.join(path.name for path in found)}"
    raise UsageError(what, where=reference, fix=fix)


def _called(project: Project, reference: str) -> list[Path]:
    """The directories that a reference may mean."""
    if "/" in reference or reference in {".", ".."}:
        return [Path(reference)] if (Path(reference) / RUN_FILE).exists() else []
    names = sorted(path.parent.name for path in project.runs.glob(f"*/{RUN_FILE}"))
    if reference in names:
        return [project.runs / reference]
    return [project.runs / name for name in names if reference and name.startswith(reference)]


def seal(directory: Path, run: Run) -> Run:
    """Compact the records of a finished run into Parquet and put their digests into `run.json`.

    The lines are removed once `run.json` names what replaces them. Sealing again changes nothing.

    Raises:
        IntegrityError: A line holds something other than rows.
        UnavailableError: The disk refuses; no record is lost, and sealing can be tried again.
    """
    if run.files:
        return run
    notes = write_tables(directory)
    sealed = run.model_copy(update={"files": digests(directory), "notes": run.notes + notes})
    write_run(directory, sealed)
    (directory / LINES).unlink(missing_ok=True)
    return sealed
