"""Composition: a stored run is decided before whoever asked, and the verdict is kept and shown."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from gatekeeper.errors import GatekeeperError, InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gatekeeper.cli.reports import Report, Subject
    from gatekeeper.cli.session import Session
    from gatekeeper.model.run import Run
    from gatekeeper.model.verdict import Verdict
    from gatekeeper.ops.policy import Policy


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be decided.

    Attributes:
        directory: Of the run.
        policy: As it is applied.
        file: The policy's file.
        reports: Those that were asked for.
    """

    run: Run
    directory: Path
    policy: Policy
    file: Path
    reports: Sequence[Report]


def decided(session: Session, case: Case, *, keep: bool) -> Subject:
    """Decide a run and show the verdict, which is signed and kept as evidence where `keep`.

    Where deciding ends in an error, the reports say so: whoever reads them must not find
    yesterday's pass. Otherwise they are still to be written.
    """
    from gatekeeper.cli.gates import decide_stored
    from gatekeeper.cli.kept_verdicts import attach
    from gatekeeper.cli.reports import Subject, policy_file
    from gatekeeper.report.verdict import verdict_document, verdict_text

    with _reported(session, case):
        verdict = decide_stored(session.project, case.directory, case.policy)
    if keep:
        attach(session.project, verdict)
    subject = Subject(verdict, case.directory, case.file)
    text = verdict_text(verdict, session.columns, policy_file(session, subject))
    session.emit(verdict_document(verdict), text)
    return subject


def leave(verdict: Verdict) -> None:
    """End the command with the exit code of an outcome; a pass ends nothing."""
    from gatekeeper.cli.gates import EXIT_CODES

    if EXIT_CODES[verdict.outcome]:
        raise typer.Exit(EXIT_CODES[verdict.outcome])


@contextmanager
def _reported(session: Session, case: Case) -> Iterator[None]:
    """Write the reports of an error that deciding ends in, and let it go on its way.

    Bad input is told where it stands, and nothing else is written of it.
    """
    from gatekeeper.cli.reports import Subject, write_reports
    from gatekeeper.ops.unreadable import unreadable

    try:
        yield
    except (InputError, UsageError):
        raise
    except GatekeeperError as error:
        told = unreadable(case.run, case.policy, error, datetime.now(UTC))
        write_reports(session, case.reports, Subject(told, case.directory, case.file))
        raise
