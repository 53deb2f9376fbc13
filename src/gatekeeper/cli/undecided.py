"""Reports of a run that no verdict comes of: whoever reads them must not find yesterday's pass."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gatekeeper.errors import GatekeeperError, InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gatekeeper.cli.reports import Report
    from gatekeeper.cli.session import Session
    from gatekeeper.model.run import Run
    from gatekeeper.model.verdict import Verdict
    from gatekeeper.ops.gate import Policy


@contextmanager
def reported(
    session: Session, reports: Sequence[Report], run: Run, policy: Policy, file: Path | None
) -> Iterator[None]:
    """Write the reports of an error that deciding ends in, and let it go on its way.

    Bad input is told where it stands, and nothing else is written of it.
    """
    from gatekeeper.cli.reports import Subject, write_reports

    try:
        yield
    except (InputError, UsageError):
        raise
    except GatekeeperError as error:
        told = undecided(run, policy, error)
        write_reports(session, reports, Subject(told, session.project.runs / run.id, file))
        raise


def undecided(run: Run, policy: Policy, error: GatekeeperError) -> Verdict:
    """An error in place of every rule; it is told, and never kept as evidence."""
    from gatekeeper.core.canonical import canonical_model, digest
    from gatekeeper.core.policy.forms import policy_digest, policy_name
    from gatekeeper.model.verdict import RuleResult, Verdict

    where = f"{error.where}: " if error.where else ""
    rule = RuleResult(
        rule="run.readable",
        section="run",
        outcome="error",
        reason=f"{where}{error.what}",
        code=error.code.replace("-", "_"),
        settle=error.fix,
        metric="run",
        test="evidence",
        blocks=True,
    )
    return Verdict(
        outcome="error",
        release=run.candidate.digest,
        release_name=run.candidate.name,
        baseline=run.baseline.digest if run.baseline else None,
        baseline_name=run.baseline.name if run.baseline else "",
        run=run.id,
        run_digest=digest(canonical_model(run)),
        policy=policy_digest(policy.value, policy.parameters),
        policy_name=policy_name(policy.value),
        rules=(rule,),
        decided=datetime.now(UTC),
    )
