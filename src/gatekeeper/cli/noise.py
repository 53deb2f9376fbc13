"""What an A/A run shows: how much the measure varies where nothing changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatekeeper.cli.session import Session
    from gatekeeper.model.run import Run


def tell_noise(session: Session, run: Run) -> None:
    """Show the noise of a run; it decides nothing, and no verdict comes of it."""
    from gatekeeper.adapters.tables import open_tables
    from gatekeeper.adapters.twins import TwinMeasurements
    from gatekeeper.cli.gates import deciding_policy, policy_of
    from gatekeeper.ops.noise import noise_of
    from gatekeeper.report.noise import noise_document, noise_text

    project, options = session.project, run.options
    policy = deciding_policy(project, options, run.candidate.digest)
    rules = policy_of(project, policy, options.parameters).rules
    with open_tables(project.runs / run.id, run) as connection:
        noise = noise_of(run, TwinMeasurements(connection, run.candidate.digest), rules)
    session.emit(noise_document(noise), noise_text(noise))
