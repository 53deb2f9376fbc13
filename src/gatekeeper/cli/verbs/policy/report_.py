"""`gatekeeper policy report`: how the rules of policies have done, and what came of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session
from gatekeeper.errors import UndecidedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatekeeper.adapters.project import Project
    from gatekeeper.core.policy.report import Online, Promotion
    from gatekeeper.model.verdict import Verdict


def policy_report(
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="From that day of UTC on.")
    ] = None,
    env: Annotated[
        str | None, typer.Option("--env", help="Promotions of that environment; by default of all.")
    ] = None,
    within: Annotated[
        int, typer.Option("--within", help="Days in which a rollback says something.", min=1)
    ] = 14,
    records: Annotated[
        str | None,
        typer.Option("--records", metavar="GLOB", help="What was served of the stable release."),
    ] = None,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Review a policy: what its rules decided, was overridden, and what came of it.

    Counts every signed verdict on the releases of the project, and follows those that releases
    were promoted on: a rollback soon after says that something was missed. With --records, the
    metrics of rules that compare with nothing are measured in what was served.
    """
    from gatekeeper.cli.environments import site_of
    from gatekeeper.core.policy.report import policy_report as gathered
    from gatekeeper.ops.policy_review import promoted
    from gatekeeper.report.policy_report import report_document, report_text

    session = Session(project, output)
    start = _day(since)
    verdicts = _verdicts(session.project, start)
    names = [env] if env else _environments(session.project)
    made = [
        one
        for name in names
        for one in promoted(site_of(session.project, name), start, timedelta(days=within))
    ]
    found = gathered(verdicts, made, _online(made, records) if records else {})
    text = report_text(found, since or "", session.width)
    session.emit(report_document(found, since or ""), text)


def _online(made: Sequence[Promotion], records: str) -> Mapping[str, Online]:
    """What records say of the rules that the release was promoted by which was promoted last."""
    from gatekeeper.adapters.served import segments
    from gatekeeper.cli.verbs.policy.online import online

    files = segments(records)
    held = [one for one in made if one.verdict.inputs.policy]
    last = max(held, key=lambda one: one.entry.time, default=None)
    if last is None:
        raise UndecidedError(
            "no promotion of that time rests on a verdict that holds its policy",
            where="--records",
            fix="leave --records out, or look further back with --since",
        )
    return online(last.verdict, files)


def _day(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise UsageError(
            f"{text!r} is no day", where="--since", fix="write --since 2026-10-01"
        ) from None


def _verdicts(project: Project, since: datetime | None) -> list[Verdict]:
    """Every signed verdict on a release of the store, oldest first."""
    from gatekeeper.cli.verdicts import Verdicts
    from gatekeeper.cli.wiring import store_of

    verdicts = Verdicts(project)
    found = [one for stored in store_of(project).list() for one in verdicts.about(stored.digest)]
    kept = (one for one in found if since is None or one.decided >= since)
    return sorted(kept, key=lambda one: (one.decided, one.run))


def _environments(project: Project) -> list[str]:
    return sorted(path.stem for path in project.environment_file("any").parent.glob("*.yaml"))
