"""Composition: runs of mixed releases, kept in the cache of a project and gone on with there.

They are no runs of the project: nobody lists them, and nobody promotes on them.
"""

from __future__ import annotations

import shutil
import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gatekeeper.cli.beginning import begin
from gatekeeper.cli.sittings import Sitting, carry_on
from gatekeeper.core.wording import counted
from gatekeeper.errors import IntegrityError, StoppedError, UndecidedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from gatekeeper.adapters.cached_directories import CachedDirectories
    from gatekeeper.adapters.project import Project
    from gatekeeper.cli.evaluations import Evaluation
    from gatekeeper.cli.session import Session
    from gatekeeper.model.run import Run
    from gatekeeper.ports import Watch

CACHE: Final = "attribution"
"""Their directory in the cache."""
_DIGITS: Final = 24
"""Of a digest, in the name of a directory."""


def kept_of(project: Project) -> CachedDirectories:
    """The runs of mixed releases that a project keeps."""
    from gatekeeper.adapters.cached_directories import CachedDirectories

    return CachedDirectories(project.cache / CACHE)


@contextmanager
def kept(session: Session) -> Iterator[None]:
    """Nothing of them is removed while it lasts; afterwards what is too much or too old."""
    found = kept_of(session.project)
    with found.in_use():
        yield
    if (gone := found.prune()).count:
        what = counted(gone.count, "run")
        session.note(f"removed {what} of mixed releases that were not used for long: {gone.told}")


@dataclass(slots=True)
class Allowance:
    """What may be used for all mixed releases together; null where nothing limits it."""

    max_usd: float | None = None
    max_tokens: int | None = None
    nano_usd: int = 0
    tokens: int = 0

    def rest(self, run: Run) -> dict[str, float | int | None]:
        """The ceiling of a run that begins or goes on now."""
        spent, used = run.spend, run.spend.tokens + run.spend.unrecorded_tokens
        usd = (spent.nano_usd + spent.unrecorded_nano_usd - self.nano_usd) / 1e9
        return {
            "max_usd": None if self.max_usd is None else max(0.0, self.max_usd + usd),
            "max_tokens": (
                None if self.max_tokens is None else max(0, self.max_tokens + used - self.tokens)
            ),
        }

    def add(self, before: Run, after: Run) -> None:
        """Count what a sitting has used."""
        self.nano_usd += after.spend.nano_usd - before.spend.nano_usd
        self.tokens += after.spend.tokens - before.spend.tokens


async def carried(
    evaluation: Evaluation,
    allowance: Allowance,
    *,
    expected: dict[str, dict[str, str]],
    prepare: Callable[[], Awaitable[None]],
    say: Callable[[str], None],
    again: str,
) -> tuple[Path, Run, bool]:
    """The sealed run of an evaluation: from the cache, gone on with, or made.

    Args:
        evaluation: What is run.
        allowance: What it may use.
        expected: What has to serve it.
        prepare: Called before anything is asked.
        say: Tells the person something.
        again: What to do where it is ended early.

    Returns:
        Its directory, the run, and whether it was there already.
    """
    began = begin(evaluation)
    directory = evaluation.project.cache / CACHE / key_of(began)
    known = _known(directory)
    if known is not None and known.files:
        kept_of(evaluation.project).used(directory)
        return directory, known, True
    run = known or began.model_copy(update={"engines": expected})
    options = evaluation.options.model_copy(update=allowance.rest(run))
    sitting = Sitting(
        replace(evaluation, options=options),
        run.model_copy(update={"options": options}),
        directory,
        lambda started: _watch(directory, started),
        say,
    )
    await prepare()
    with _told(again):
        sealed = await carry_on(sitting)
    allowance.add(run, sealed)
    return directory, sealed, False


def key_of(run: Run) -> str:
    """The name of a run's directory: what decides its records, so that it is found again."""
    from gatekeeper.core.canonical import canonical, digest

    content = {
        "releases": [one and one.digest for one in (run.candidate, run.baseline)],
        "sets": [one.model_dump(mode="json") for one in run.sets],
        "compared": list(run.baseline_suites),
        "seed": run.seed,
        "options": run.options.model_dump(mode="json", exclude={"max_usd", "max_tokens"}),
        "prices": run.price_book,
        "made_by": run.determinism,
        "contamination": list(run.contamination),
    }
    return digest(canonical(content)).removeprefix("sha256:")[:_DIGITS]


def _known(directory: Path) -> Run | None:
    """What is there of a run; what is damaged is removed, because it can be made again."""
    from gatekeeper.adapters.runs import RUN_FILE, read_run
    from gatekeeper.adapters.tables import open_tables

    if not (directory / RUN_FILE).exists():
        shutil.rmtree(directory, ignore_errors=True)
        return None
    try:
        run = read_run(directory)
        if run.files:
            open_tables(directory, run).close()
    except IntegrityError:
        shutil.rmtree(directory)
        return None
    return run


def calls_of(directory: Path, run: Run) -> tuple[int, int]:
    """Calls of models that were made in a sealed run, and that the response cache answered."""
    from gatekeeper.adapters.coalitions import sample_rows

    with sample_rows(directory, run) as read:
        return read.calls()


def _watch(directory: Path, run: Run) -> Watch:
    from gatekeeper.cli.watching import watch_for

    return watch_for(sys.stderr, run_directory=directory, run=run, ceiling_usd=run.options.max_usd)


@contextmanager
def _told(again: str) -> Iterator[None]:
    """Whoever is stopped here goes on with the verb that asked, and not with `evaluate`."""
    try:
        yield
    except StoppedError as error:
        raise StoppedError(error.what, fix=again) from None
    except UndecidedError as error:
        if not error.where.startswith("run "):
            raise
        fix = f"raise --max-usd or --max-tokens: {again}"
        raise UndecidedError(error.what, fix=fix) from None
