"""Composition: what an evaluation is made of, and the run that it leaves behind."""

from __future__ import annotations

import secrets
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gatekeeper.cli.environments import record_of, site_of
from gatekeeper.cli.gates import named_policy, policy_of
from gatekeeper.cli.pipelines import means_of
from gatekeeper.cli.wiring import keys_of, resolve_ref, store_of
from gatekeeper.errors import GatekeeperError, UndecidedError, UsageError
from gatekeeper.ops import ledger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from gatekeeper.adapters.assembly import Means
    from gatekeeper.adapters.evalsets import LoadedSet
    from gatekeeper.adapters.project import Project
    from gatekeeper.cli.session import Session
    from gatekeeper.model.evalset import Suite
    from gatekeeper.model.release import Release, ReleaseRecord
    from gatekeeper.model.run import Run
    from gatekeeper.ports import Progress, RecordStore


@dataclass(frozen=True, slots=True)
class Entrant:
    """A release that takes part, with what its build said of it."""

    release: Release
    record: ReleaseRecord


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that is decided before the first request is sent.

    Attributes:
        entrants: The candidate and, where there is one, the baseline.
        baseline_suites: Suites that the policy compares, and that the baseline runs too.
        first_release: The environment's ledger is empty.
    """

    project: Project
    entrants: tuple[Entrant, ...]
    sets: tuple[LoadedSet, ...]
    means: Means
    baseline_suites: tuple[Suite, ...] = ()
    first_release: bool = False
    engine: str | None = None
    seed: int = 0
    concurrency: int = 64


@dataclass(frozen=True, slots=True)
class Choice:
    """What the person asked for."""

    ref: str
    baseline: str | None = None
    environment: str = "local"
    engine: str | None = None
    sets: tuple[str, ...] = ()
    policy: Path | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)
    seed: int = 7
    concurrency: int = 64


def prepare(session: Session, choice: Choice) -> Evaluation:
    """Everything checked that can be, before the first request.

    Raises:
        UsageError: A release, a set or a policy is not there.
        InputError: A set or the policy is not what it should be.
    """
    from gatekeeper.core.policy_forms import baseline_suites

    project = session.project
    candidate = entrant(project, resolve_ref(session, choice.ref))
    policy = choice.policy or named_policy(project, candidate.release.digest)
    rules = policy_of(project, policy, choice.parameters).rules
    against = _baseline(session, choice)
    if against == candidate.release.digest:
        raise UsageError(
            "is what it would be compared with",
            where=candidate.release.reference,
            fix="name another release with --baseline",
        )
    return Evaluation(
        project=project,
        entrants=(candidate, *([entrant(project, against)] if against else [])),
        sets=sets_of(project, candidate.record.evaluation.sets, choice.sets),
        means=means_of(project),
        baseline_suites=baseline_suites(rules),  # type: ignore[arg-type]
        first_release=against is None,
        engine=choice.engine,
        seed=choice.seed,
        concurrency=choice.concurrency,
    )


def _baseline(session: Session, choice: Choice) -> str | None:
    """What to compare with: as asked, or what the environment serves; None where it is empty."""
    if choice.baseline is not None:
        return resolve_ref(session, choice.baseline)
    head = ledger.head(site_of(session.project, choice.environment))
    return None if head is None else head.entry.state.stable.release


def entrant(project: Project, digest: str) -> Entrant:
    """A release of the store, verified, with the newest build record that counts."""
    from gatekeeper.adapters.signing import KeyringVerifier

    store = store_of(project)
    release = store.load(digest)
    # What may be served is for an environment to say; anything that was built may be evaluated.
    verifier = KeyringVerifier(keys_of(project).keyring())
    record = record_of(store, verifier, digest)
    if record is None:
        raise UndecidedError(
            "no build record says how it is evaluated and where its models are",
            where=release.reference,
            fix="build the release again, here",
        )
    return Entrant(release, record)


def sets_of(project: Project, paths: Sequence[str], chosen: Sequence[str]) -> tuple[LoadedSet, ...]:
    """The eval sets in `paths`, or those `chosen` of them by name, suite or file.

    Raises:
        UsageError: There is no eval set, none of that name, or a name stands for two.
        InputError: A header or a sample is not what it should be.
    """
    from gatekeeper.adapters.evalsets import open_set

    sets = [open_set(project, project.root / path) for path in paths]
    if not sets:
        raise UsageError(
            "no eval set is named", fix="list some under `evaluation.sets` in the manifest"
        )
    if len({one.header.name for one in sets}) < len(sets):
        raise UsageError("two eval sets have the same name", fix="give each a name of its own")
    for name in chosen:
        if not any(_called(one, name) for one in sets):
            known = ", ".join(one.header.name for one in sets)
            raise UsageError(f"there is no eval set {name!r}", fix=f"there are {known}")
    return tuple(one for one in sets if not chosen or any(_called(one, n) for n in chosen))


def _called(one: LoadedSet, name: str) -> bool:
    return name in (one.header.name, one.header.suite, one.header.file)


def carry_out(evaluation: Evaluation, progress: Progress) -> Path:
    """Run it; returns the directory of the sealed run.

    Whatever ends it early leaves a run that is marked as interrupted and decides nothing.
    """
    import asyncio

    from gatekeeper.adapters.records import RunRecords
    from gatekeeper.adapters.runs import seal, write_run

    run = _begun(evaluation)
    directory = evaluation.project.runs / run.id
    with RunRecords(directory) as records:
        write_run(directory, run)
        try:
            engines = asyncio.run(_run(evaluation, run, records, progress))
        except BaseExceptionGroup as group:
            write_run(directory, _ended(run, "interrupted"))
            raise _first(group) from None
        except BaseException:
            write_run(directory, _ended(run, "interrupted"))
            raise
    seal(directory, _ended(run, "complete").model_copy(update={"engines": engines}))
    return directory


def _first(group: BaseExceptionGroup) -> BaseException:
    """Of the failures that ended a group of tasks, the first that we expect, or the first."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        inner = error.exceptions
        error = next((one for one in inner if isinstance(one, GatekeeperError)), inner[0])
    return error


def _begun(evaluation: Evaluation) -> Run:
    from gatekeeper.core.canonical import canonical_model, digest
    from gatekeeper.model.run import Run, RunRelease, RunSet

    now = datetime.now(UTC)
    releases = [
        RunRelease(name=one.release.name, digest=one.release.digest) for one in evaluation.entrants
    ]
    return Run(
        id=f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
        status="running",
        candidate=releases[0],
        baseline=releases[1] if len(releases) > 1 else None,
        first_release=evaluation.first_release,
        sets=tuple(
            RunSet(
                name=one.header.name, suite=one.header.suite, digest=one.digest, samples=len(one)
            )
            for one in evaluation.sets
        ),
        baseline_suites=evaluation.baseline_suites if len(releases) > 1 else (),
        seed=evaluation.seed,
        price_book=digest(canonical_model(evaluation.means.prices)),
        started=now,
    )


def _ended(run: Run, status: str) -> Run:
    return run.model_copy(update={"status": status, "ended": datetime.now(UTC)})


async def _run(
    evaluation: Evaluation, run: Run, records: RecordStore, progress: Progress
) -> dict[str, dict[str, str]]:
    """Open every release, evaluate; returns the fingerprint of what served each model."""
    from gatekeeper.adapters.assembly import open_pipeline
    from gatekeeper.ops.evaluate import Contender, Plan, evaluate

    means = evaluation.means
    contenders: list[Contender] = []
    engines: dict[str, dict[str, str]] = {}
    async with AsyncExitStack() as stack:
        for one in evaluation.entrants:
            pipeline = await stack.enter_async_context(
                open_pipeline(
                    one.release,
                    means=means,
                    locations=one.record.model_locations,
                    engine=evaluation.engine,
                )
            )
            contenders.append(Contender(one.release, pipeline, one.record.metadata.workload))
            for name, engine in pipeline.engines.items():
                engines.setdefault(name, dict(engine.fingerprint))
        plan = Plan(
            run=run.id,
            sets=evaluation.sets,
            contenders=tuple(contenders),
            baseline_suites=frozenset(run.baseline_suites),
            seed=evaluation.seed,
            concurrency=evaluation.concurrency,
        )
        await evaluate(plan, records, means.clock, progress)
    return engines
