"""Composition: verdicts that are kept on runs: signed, refused for another run, derived anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.cli.gates import measured
from gatekeeper.errors import UndecidedError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.adapters.project import Project
    from gatekeeper.cli.verdicts import Verdicts
    from gatekeeper.model.run import Run
    from gatekeeper.model.verdict import PastPolicy, Verdict
    from gatekeeper.ops.policy import Policy


def derive_again(project: Project, directory: Path) -> tuple[Verdict, Verdict]:
    """The verdict that is kept on a run, and the same derived anew from the records.

    Raises:
        IntegrityError: The run is not what it was when it was decided.
        UndecidedError: No signed verdict on this run is kept.
    """
    from gatekeeper.adapters.runs import read_run
    from gatekeeper.cli.verdicts import Verdicts
    from gatekeeper.ops.gate import derived_again

    run = read_run(directory)
    _refuse_another(project, directory, run)
    verdicts = Verdicts(project)
    kept = verdicts.last(run)
    if kept is None:
        _refuse_altered(verdicts, directory, run)
        raise UndecidedError(
            "no signed verdict on this run is kept",
            where=run.id,
            fix=f"decide it first: gatekeeper gate {run.id}",
        )
    policy = _policy_within(kept)
    with measured(directory, run, policy.facts) as measurements:
        return kept, derived_again(kept, run, measurements, policy)


def _policy_within(verdict: Verdict) -> Policy:
    """The policy that a verdict holds, with all that it was given."""
    from gatekeeper.adapters.facts import facts_in
    from gatekeeper.adapters.policies import policy_in
    from gatekeeper.ops.policy import Policy

    inputs, where = verdict.inputs, f"the verdict on run {verdict.run}"
    before = inputs.before
    return Policy(
        policy_in(inputs.policy, where),
        verdict.parameters,
        skips=inputs.skips,
        facts=facts_in(inputs.facts, where) if inputs.facts else None,
        facts_given=inputs.facts_given,
        before=_before_within(before, where) if before else None,
    )


def _before_within(before: PastPolicy, where: str) -> Policy:
    from gatekeeper.adapters.facts import facts_in
    from gatekeeper.adapters.policies import policy_in
    from gatekeeper.core.policy.basis import Basis
    from gatekeeper.ops.policy import Policy

    return Policy(
        policy_in(before.policy, where),
        before.parameters,
        facts=facts_in(before.facts, where) if before.facts else None,
        basis=Basis(before.sets, before.asked, before.prices),
    )


def refuse_unkept(project: Project, directory: Path) -> None:
    """Refuse to keep a verdict on a run that belongs to no release, or was decided as another."""
    from gatekeeper.adapters.runs import read_run
    from gatekeeper.cli.verdicts import Verdicts
    from gatekeeper.cli.wiring import store_of

    run = read_run(directory)
    _refuse_another(project, directory, run)
    _refuse_altered(Verdicts(project), directory, run)
    if run.unbound:
        raise UsageError(
            "the run was imported without saying which release it is about",
            where=run.id,
            fix="import it again with --release REF, or gate it with --policy FILE --no-record",
        )
    if run.files and not store_of(project).has(run.candidate.digest):
        raise UndecidedError(
            "the release that the run is about is not in the store, so no verdict can be kept",
            where=run.id,
            fix="decide it where the release is, or here with --policy FILE --no-record",
        )


def _refuse_another(project: Project, directory: Path, run: Run) -> None:
    """Refuse a run that lies where another should: what it shows would be taken for that one's."""
    from gatekeeper.adapters.runs import RUN_FILE
    from gatekeeper.errors import IntegrityError

    place = directory.absolute()
    if place.parent.resolve() == project.runs.resolve() and place.name != run.id:
        raise IntegrityError(
            f"is of the run {run.id}, and lies where {place.name} should",
            where=str(directory / RUN_FILE),
            fix=f"restore the run {place.name} from a copy",
        )


def _refuse_altered(verdicts: Verdicts, directory: Path, run: Run) -> None:
    from gatekeeper.adapters.runs import RUN_FILE
    from gatekeeper.core.canonical import short
    from gatekeeper.errors import IntegrityError

    if (other := verdicts.on_another(run)) is not None:
        raise IntegrityError(
            f"is not what it was when it was decided: a signed verdict ({other.outcome},"
            f" {other.decided:%Y-%m-%d %H:%M} UTC) rests on {short(other.run_digest)}",
            where=str(directory / RUN_FILE),
            fix="restore the run from a copy, or evaluate again",
        )


def attach(project: Project, verdict: Verdict) -> str:
    """Sign a verdict with the key of the gate and attach it to its release; returns its digest."""
    from gatekeeper.adapters.signing import sign_statement
    from gatekeeper.cli.wiring import keys_of, store_of
    from gatekeeper.model.statement import VERDICT, Statement

    directory = keys_of(project)
    signer = directory.signer(directory.keyring(), "gate")
    statement = Statement.about(
        verdict.release, VERDICT, verdict.model_dump(mode="json"), name=verdict.release_name
    )
    return store_of(project).attach(verdict.release, sign_statement(statement, signer), VERDICT)
