"""Composition: what an evaluation is made of, before the first request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.cli.environments import record_of, site_of
from gatekeeper.cli.gates import named_policy, policy_of
from gatekeeper.cli.pipelines import means_of
from gatekeeper.cli.wiring import keys_of, resolve_ref, store_of
from gatekeeper.core.wording import did_you_mean
from gatekeeper.errors import UndecidedError, UsageError
from gatekeeper.ops import ledger

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatekeeper.adapters.assembly import Means
    from gatekeeper.adapters.evalsets import LoadedSet
    from gatekeeper.adapters.fleet import Entrant
    from gatekeeper.adapters.project import Project
    from gatekeeper.cli.session import Session
    from gatekeeper.core.order import Layout
    from gatekeeper.model.evalset import Suite
    from gatekeeper.model.policy import Rule
    from gatekeeper.model.record import Arm
    from gatekeeper.model.release import Release, ReleaseRecord
    from gatekeeper.model.run import Run, RunOptions


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that is decided before the first request is sent.

    Attributes:
        candidate: The release under test.
        baseline: What it is compared with, where there is anything.
        baseline_suites: Suites that the policy compares, and that the baseline runs too.
        first_release: The environment's ledger is empty.
        rules: Of the policy that will decide.
        drift: How this machine differs from what the releases were validated on.
        contamination: Samples that the candidate has seen.
        left_out: Sets that were not chosen, of suites of which another set was.
    """

    project: Project
    candidate: Entrant
    baseline: Entrant | None
    sets: tuple[LoadedSet, ...]
    layout: Layout
    means: Means
    rules: tuple[Rule, ...]
    options: RunOptions
    baseline_suites: tuple[Suite, ...] = ()
    first_release: bool = False
    seed: int = 0
    drift: tuple[str, ...] = ()
    contamination: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def entrants(self) -> dict[Arm, Entrant]:
        """Who takes part, by arm."""
        both: dict[Arm, Entrant] = {"candidate": self.candidate}
        if self.baseline is not None:
            both["baseline"] = self.baseline
        return both


def prepare(
    session: Session, ref: str, options: RunOptions, *, baseline: str | None = None, seed: int
) -> Evaluation:
    """Everything checked that can be, before the first request.

    Args:
        session: The invocation.
        ref: The release under test.
        options: What was asked for.
        baseline: What to compare with; by default what the environment serves.
        seed: Of the random order.

    Raises:
        UsageError: A release, a set or a policy is not there.
        InputError: A set or the policy is not what it should be.
    """
    candidate = resolve_ref(session, ref)
    against = candidate if options.aa else _baseline(session, baseline, options.environment)
    if against == candidate and not options.aa:
        raise UsageError(
            "is what it would be compared with",
            where=entrant(session.project, candidate)[0].release.reference,
            fix="name another release with --baseline, or measure its noise with --aa",
        )
    return _evaluation(session.project, candidate, against, options, seed)


def prepare_again(session: Session, run: Run) -> Evaluation:
    """What an interrupted run was made of.

    Raises:
        UsageError: The run cannot be gone on with.
    """
    if run.source is not None or run.files:
        raise UsageError(
            "has come to its end" if run.source is None else "was imported",
            where=run.id,
            fix=f"decide it: `gatekeeper gate {run.id}`",
        )
    baseline = run.baseline.digest if run.baseline else None
    found = _evaluation(
        session.project,
        run.candidate.digest,
        baseline,
        run.options,
        run.seed,
        contamination=run.contamination,
    )
    changed = [what for what, (was, now) in _fixed(run, found).items() if was != now]
    if changed:
        raise UsageError(
            f"its {', its '.join(changed)} changed since it began, so it cannot be gone on with",
            where=run.id,
            fix="evaluate again, or restore what has changed",
        )
    return found


def _fixed(run: Run, found: Evaluation) -> dict[str, tuple[object, object]]:
    """What a run began with and what is there now, by what a person calls it."""
    from gatekeeper import __version__
    from gatekeeper.core.canonical import canonical_model, digest

    return {
        "eval sets have": (
            [(one.name, one.digest) for one in run.sets],
            [(one.header.name, one.digest) for one in found.sets],
        ),
        "suites that the policy compares have": (
            run.baseline_suites,
            found.baseline_suites,
        ),
        "price book has": (run.price_book, digest(canonical_model(found.means.prices))),
        "gatekeeper has": (run.determinism.get("gatekeeper", __version__), __version__),
    }


def _evaluation(
    project: Project,
    candidate: str,
    against: str | None,
    options: RunOptions,
    seed: int,
    *,
    contamination: tuple[str, ...] | None = None,
) -> Evaluation:
    """The evaluation of two releases; what is known of contamination is not looked for again."""
    from gatekeeper.core.policy_forms import baseline_suites

    one, record = entrant(project, candidate)
    policy = project.root / options.policy if options.policy else named_policy(project, candidate)
    rules = policy_of(project, policy, options.parameters).rules
    named = sets_of(project, record.evaluation.sets, options.sets)
    sets = tuple(found for found in named if _chosen(found, options.sets))
    compared: tuple[Suite, ...] = baseline_suites(rules)  # type: ignore[assignment]
    if options.aa:
        compared = tuple(sorted({one.header.suite for one in sets}))
    if against is None:
        compared = ()
    other = entrant(project, against)[0] if against else None
    seen = _contamination(project, one, sets) if contamination is None else contamination
    return Evaluation(
        project=project,
        candidate=one,
        baseline=other,
        sets=sets,
        layout=layout_of(sets, compared, options, seed),
        means=means_of(project),
        rules=rules,
        options=options,
        baseline_suites=compared,
        first_release=against is None,
        seed=seed,
        drift=_drift(project, (one, *([other] if other else [])), options),
        contamination=seen,
        left_out=_left_out(named, sets),
    )


def _left_out(named: Sequence[LoadedSet], chosen: Sequence[LoadedSet]) -> tuple[str, ...]:
    """Sets without which a suite is only part of what the manifest means by it.

    A rule about a suite that was left out altogether decides nothing; a rule about half of one
    would, and whoever runs it could choose the easier half.
    """
    kept, suites = {one.header.name for one in chosen}, {one.header.suite for one in chosen}
    left = (one.header for one in named if one.header.name not in kept)
    return tuple(header.name for header in left if header.suite in suites)


def _drift(project: Project, entrants: Sequence[Entrant], options: RunOptions) -> tuple[str, ...]:
    """How this machine differs from what the releases accept and were validated on.

    Raises:
        EnvironmentDriftError: It differs, and that was not allowed.
    """
    from gatekeeper.adapters import engines
    from gatekeeper.adapters.assembly import on_this_machine
    from gatekeeper.adapters.environment import check_environment

    own = {"responses": options.responses} if options.responses else {}
    found: dict[str, None] = {}
    for one in entrants:
        parts = one.release.components
        serving = on_this_machine(parts.serving, own)
        here = parts.model_copy(update={"serving": serving})
        release = one.release.model_copy(update={"components": here})
        name = engines.choose(serving, options.engine)
        validated = _validated(project, one.release.digest, name)
        allow = options.allow_environment_drift
        found |= dict.fromkeys(check_environment(release, name, validated, allow=allow))
    return tuple(found)


def _validated(project: Project, release: str, engine: str) -> dict[str, dict[str, str]]:
    """What the newest passing verdict of a release on this engine rests on, by model.

    The processor is left out: CI machines differ in it, and the run records it.
    """
    from gatekeeper.adapters.runs import RUN_FILE, read_run

    for run in _passing_runs(project, release):
        directory = project.runs / run
        if not (directory / RUN_FILE).is_file():
            continue
        served = {
            model: {key: told for key, told in found.items() if key != "cpu"}
            for model, found in read_run(directory).engines.items()
            if found.get("engine") == engine
        }
        if served:
            return served
    return {}


def _passing_runs(project: Project, release: str) -> Iterator[str]:
    """Runs behind the passing verdicts of a release, newest first."""
    from gatekeeper.adapters.signing import KeyringVerifier
    from gatekeeper.model.statement import VERDICT

    verifier = KeyringVerifier(keys_of(project).keyring())
    for digest, bundle in reversed(store_of(project).referrers(release, VERDICT)):
        signed = verifier.verify(
            bundle, role="gate", predicate_type=VERDICT, subject=release, where=digest, lapsed=True
        )
        verdict = signed.statement.predicate
        if verdict.get("outcome") == "pass":
            yield str(verdict.get("run", ""))


def _contamination(
    project: Project, candidate: Entrant, sets: Sequence[LoadedSet]
) -> tuple[str, ...]:
    from gatekeeper.core.contamination import contaminated, sentences

    stored = store_of(project).documents(candidate.release)
    documents = {path: data.decode(errors="replace") for path, data in stored.items()}
    return sentences(contaminated(candidate.release, documents, sets))


def layout_of(
    sets: Sequence[LoadedSet], compared: Sequence[Suite], options: RunOptions, seed: int
) -> Layout:
    """Which samples are asked of whom."""
    from gatekeeper.core.order import Layout, Share

    def share(one: LoadedSet) -> Share:
        arms: tuple[Arm, ...] = ("candidate",)
        if one.header.suite in compared:
            arms = ("candidate", "baseline")
        numbers = _numbers(one, options, seed)
        return Share(one.header.name, numbers, one.header.replicates, arms)

    return Layout([share(one) for one in sets])


def _numbers(one: LoadedSet, options: RunOptions, seed: int) -> Sequence[int]:
    from gatekeeper.core.order import sharded, stratified

    numbers: Sequence[int] = range(len(one))
    if options.limit is not None and options.limit < len(one):
        tag = one.header.cluster
        groups = [one[number].tags.get(tag) if tag else None for number in numbers]
        numbers = stratified(groups, options.limit, seed)
    part = options.shard
    return sharded(numbers, part.index, part.count) if part else numbers


def _baseline(session: Session, named: str | None, environment: str) -> str | None:
    """What to compare with: as asked, or what the environment serves; None where it is empty."""
    if named is not None:
        return resolve_ref(session, named)
    head = ledger.head(site_of(session.project, environment))
    return None if head is None else head.entry.state.stable.release


def entrant(project: Project, digest: str) -> tuple[Entrant, ReleaseRecord]:
    """A release of the store, verified, with the newest build record that counts."""
    from gatekeeper.adapters.fleet import Entrant
    from gatekeeper.adapters.signing import KeyringVerifier

    store = store_of(project)
    release: Release = store.load(digest)
    # What may be served is for an environment to say; anything that was built may be evaluated.
    verifier = KeyringVerifier(keys_of(project).keyring())
    record = record_of(store, verifier, digest)
    if record is None:
        raise UndecidedError(
            "no build record says how it is evaluated and where its models are",
            where=release.reference,
            fix="build the release again, here",
        )
    return Entrant(release, record.model_locations, record.metadata.workload), record


def sets_of(project: Project, paths: Sequence[str], chosen: Sequence[str]) -> tuple[LoadedSet, ...]:
    """The eval sets in `paths`, once each of the `chosen` ones is a name, suite or file of theirs.

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
            names = [one.header.name for one in sets]
            meant = did_you_mean(name, [*names, *(one.header.suite for one in sets)])
            raise UsageError(
                f"there is no eval set {name!r}{meant}", fix=f"there are {', '.join(names)}"
            )
    return tuple(sets)


def _chosen(one: LoadedSet, chosen: Sequence[str]) -> bool:
    return not chosen or any(_called(one, name) for name in chosen)


def _called(one: LoadedSet, name: str) -> bool:
    return name in (one.header.name, one.header.suite, one.header.file)
