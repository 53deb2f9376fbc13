"""Composition: a run, told to MLflow where that was asked for. Nothing here can fail a verb."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Final

from gatekeeper.errors import GatekeeperError, UsageError
from gatekeeper.report.markup import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.adapters.project import Project
    from gatekeeper.adapters.tracking.target import Target
    from gatekeeper.cli.session import Session
    from gatekeeper.model.release import Release
    from gatekeeper.model.run import Run
    from gatekeeper.model.tracking import Receipt, Tracked
    from gatekeeper.model.verdict import Verdict
    from gatekeeper.ports import Tracker

VARIABLES: Final = ("GATEKEEPER_MLFLOW", "MLFLOW_TRACKING_URI")
"""Where runs are tracked, the first that is set; `off` in the first tracks nothing."""
EXPERIMENT_VARIABLE: Final = "MLFLOW_EXPERIMENT_NAME"
TRACES_VARIABLE: Final = "GATEKEEPER_MLFLOW_TRACES"
MAX_TRACES: Final = 100
TIMEOUT: Final = 30.0
"""Seconds that an evaluation waits for MLflow at most."""


def track(session: Session, directory: Path, verdict: Verdict, uri: str | None = None) -> None:
    """Tell MLflow of a run; whatever goes wrong is a warning, and a mark for `runs sync`.

    Args:
        session: Says what happened, on stderr.
        directory: Of the sealed run.
        verdict: On that run.
        uri: As given by `--mlflow`; what the environment says where it is None.
    """
    from gatekeeper.adapters.tracking.target import redacted

    try:
        target = target_of(uri)
        if target is None:
            return
        receipt = deliver(session.project, directory, verdict, target)
    except KeyboardInterrupt:
        why = "interrupted"
    except GatekeeperError as error:
        why = redacted(str(error))
    except Exception as error:  # noqa: BLE001 - tracking must not take an evaluation with it
        why = redacted(f"{type(error).__name__}: {error}")
    else:
        session.note(f"[dim]MLflow: {one_line(receipt.url)}[/dim]")
        return
    later = f"later: gatekeeper runs sync {directory.name}"
    session.note(f"[yellow]warning:[/yellow] not in MLflow yet: {one_line(why)}")
    session.note(f"  {one_line(later)}")


def target_of(
    uri: str | None, experiment: str | None = None, timeout: float = TIMEOUT
) -> Target | None:
    """Where runs are tracked: as given, or as the environment says; None where nowhere."""
    from gatekeeper.adapters.tracking.target import Target

    found = uri or next((os.environ[name] for name in VARIABLES if os.environ.get(name)), "")
    if not found or found == "off":
        return None
    experiment = experiment or os.environ.get(EXPERIMENT_VARIABLE) or "gatekeeper"
    return Target(found, experiment, timeout)


def deliver(
    project: Project,
    directory: Path,
    verdict: Verdict | None,
    target: Target,
    *,
    again: bool = True,
) -> Receipt:
    """Send a run to MLflow, or what is lacking of it there.

    Args:
        project: The run's.
        directory: Of the run.
        verdict: On the run; None where it was never gated.
        target: Where to.
        again: Ask the store even where it was sent before.

    Raises:
        UnavailableError: MLflow did not take it; the run is marked as owed.
    """
    from gatekeeper.adapters import atomic
    from gatekeeper.adapters.tracking.marks import FILE, mark, sent
    from gatekeeper.adapters.tracking.process import MlflowProcess

    told = told_of(project, directory, verdict)
    with atomic.locked(directory / f".{FILE}.lock"):
        known = sent(directory, target, told)
        if known is not None and not again:
            return known.model_copy(update={"state": "there"})
        # Owed until it is there: a kill in between is caught up with, too.
        mark(directory, target, told, None, "it was cut off")
        try:
            tracker: Tracker = MlflowProcess(target)
            receipt = tracker.send(told)
        except GatekeeperError as error:
            mark(directory, target, told, None, error.what)
            raise
        mark(directory, target, told, receipt)
        return receipt


def told_of(project: Project, directory: Path, verdict: Verdict | None) -> Tracked:
    """What MLflow is told of a run."""
    from gatekeeper.adapters.runs import read_run
    from gatekeeper.adapters.tables import open_tables
    from gatekeeper.adapters.tracking.failing import failing_samples
    from gatekeeper.core.canonical import canonical_model
    from gatekeeper.ops.track import tracked
    from gatekeeper.report.verdict_markdown import verdict_markdown

    run = read_run(directory)
    artifacts = {"run.json": canonical_model(run).decode()}
    if verdict is not None:
        # Sorted: a verdict that was read back names the keys of its policy in another order.
        document = verdict.model_dump(mode="json")
        artifacts["verdict.json"] = json.dumps(document, indent=2, sort_keys=True)
        artifacts["verdict.md"] = verdict_markdown(verdict)
    with open_tables(directory, run) as connection:
        failing = failing_samples(connection, run, traces_at_most())
    release = _release(project, run)
    return tracked(run, verdict, release, artifacts=artifacts, failing=failing)


def traces_at_most() -> int:
    """How many failing samples become traces; raises `UsageError` where the setting is no count."""
    text = os.environ.get(TRACES_VARIABLE) or str(MAX_TRACES)
    if not text.isdecimal():
        raise UsageError(f"{text!r} is no count", where=TRACES_VARIABLE, fix="set it to 0 or more")
    return int(text)


def _release(project: Project, run: Run) -> Release | None:
    """The candidate; None where it is not in this store: imported runs are of others."""
    from gatekeeper.cli.wiring import store_of

    try:
        return store_of(project).load(run.candidate.digest)
    except GatekeeperError:
        return None
