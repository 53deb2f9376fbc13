"""Composition: a stored run, a policy, the key of the gate, and the verdict they make."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.errors import UndecidedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatekeeper.adapters.metrics import RunMeasurements
    from gatekeeper.adapters.project import Project
    from gatekeeper.adapters.yaml import Document
    from gatekeeper.cli.verdicts import Verdicts
    from gatekeeper.model.base import ComponentName
    from gatekeeper.model.facts import Facts
    from gatekeeper.model.policy import AnyPolicy
    from gatekeeper.model.run import Run, RunOptions
    from gatekeeper.model.verdict import PastPolicy, Verdict
    from gatekeeper.ops.policy import Policy

EXIT_CODES = {"pass": 0, "fail": 1, "inconclusive": 3, "error": 3}


def parameters_of(words: Sequence[str]) -> dict[str, float]:
    """``name=number`` words; raises `UsageError` for anything else."""
    return numbers_of(words, "--parameter", "allowed_delta=0.02")


def numbers_of(words: Sequence[str], option: str, example: str) -> dict[str, float]:
    """``name=number`` words of an option; raises `UsageError` for anything else."""
    import math

    found: dict[str, float] = {}
    for word in words:
        name, _, value = word.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            found[name.strip()] = math.nan
        if not name.strip() or not math.isfinite(found[name.strip()]):
            raise UsageError(
                f"{word!r} gives no number", where=option, fix=f"write {option} {example}"
            )
    return found


def policy_of(project: Project, path: Path, parameters: Mapping[str, float]) -> Policy:
    """The policy in a file of the project, as it will be applied, with the facts that it names."""
    from gatekeeper.adapters.policies import read_policy
    from gatekeeper.ops.policy import Policy

    if not path.exists() and not path.is_absolute():
        path = project.root / path
    document = read_policy(path, project)
    facts = _facts(project, document)
    return Policy(document.value, parameters, document.problem, facts=facts)


def _facts(project: Project, document: Document[AnyPolicy]) -> Facts | None:
    """The facts that a policy names."""
    from gatekeeper.adapters.facts import read_facts
    from gatekeeper.errors import InputError
    from gatekeeper.model.policy import GatePolicy

    policy = document.value
    if not isinstance(policy, GatePolicy) or policy.facts is None:
        return None
    try:
        return read_facts(project.root / policy.facts, project).value
    except UsageError as error:
        what = f"{policy.facts}: {error.what}"
        there = (project.root / policy.facts).exists()
        accepted = error.fix if there else "a file's path from the root of the project"
        raise InputError([document.problem(("facts",), what, accepted)]) from None


def named_policy(project: Project, release: str) -> Path:
    """The policy that the manifest of a release names."""
    from gatekeeper.cli.wiring import store_of

    record = store_of(project).record(release)
    if record is None or record.evaluation.policy is None:
        raise UndecidedError(
            "no gate policy is named",
            where=release,
            fix="give one with --policy FILE, or name it under `evaluation.policy` of the manifest "
            "and build again",
        )
    return project.root / record.evaluation.policy


def deciding_policy(project: Project, options: RunOptions, release: str) -> Path:
    """The policy that a run was asked to be decided by, or what the release's manifest names."""
    return project.root / options.policy if options.policy else named_policy(project, release)


def decide_stored(project: Project, directory: Path, policy: Policy) -> Verdict:
    """The verdict of a policy on a sealed run."""
    from gatekeeper.adapters.runs import read_run
    from gatekeeper.ops.gate import decide_run

    run = read_run(directory)
    policy.rules  # noqa: B018 - what is wrong with the policy is said before any work is done
    with measured(directory, run, policy.facts) as measurements:
        return decide_run(
            run,
            measurements,
            policy,
            decided=datetime.now(UTC),
            changed=changed_components(project, run),
        )


@contextmanager
def measured(directory: Path, run: Run, facts: Facts | None = None) -> Iterator[RunMeasurements]:
    """The tables of a sealed run, open for measuring, with what no record knows."""
    from gatekeeper.adapters.metrics import RunMeasurements
    from gatekeeper.adapters.tables import open_tables, refusing_overflow

    baseline = run.baseline.digest if run.baseline else None
    with refusing_overflow(directory), open_tables(directory, run) as connection:
        yield RunMeasurements(connection, run.candidate.digest, baseline, facts, directory)


def changed_components(project: Project, run: Run) -> tuple[ComponentName, ...]:
    """Components that differ between the releases of a run; none where one is not here."""
    from gatekeeper.cli.wiring import store_of
    from gatekeeper.errors import GatekeeperError
    from gatekeeper.model.base import COMPONENTS

    if run.baseline is None:
        return ()
    store = store_of(project)
    try:
        before, after = store.load(run.baseline.digest), store.load(run.candidate.digest)
    except GatekeeperError:  # records of another tool can name releases that are not here
        return ()
    return tuple(
        name
        for name in COMPONENTS
        if before.component_digests[name] != after.component_digests[name]
    )


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
