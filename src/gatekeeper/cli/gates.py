"""Composition: a stored run, a policy, and the verdict they make."""

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
    from gatekeeper.model.base import ComponentName
    from gatekeeper.model.facts import Facts
    from gatekeeper.model.policy import AnyPolicy
    from gatekeeper.model.run import Run, RunOptions
    from gatekeeper.model.verdict import Verdict
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
