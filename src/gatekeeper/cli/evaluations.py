"""Composition: what an evaluation is made of, before the first request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.cli.environments import record_of, site_of
from gatekeeper.cli.eval_sets import (
    chosen,
    contamination_of,
    layout_of,
    left_out,
    sets_of,
    unasked,
)
from gatekeeper.cli.gates import deciding_policy, policy_of
from gatekeeper.cli.pipelines import means_of
from gatekeeper.cli.validated import drift_of
from gatekeeper.cli.wiring import keys_of, resolve_ref, store_of
from gatekeeper.errors import UndecidedError, UsageError
from gatekeeper.ops import ledger

if TYPE_CHECKING:
    from gatekeeper.adapters.assembly import Means
    from gatekeeper.adapters.evalsets import LoadedSet
    from gatekeeper.adapters.fleet import Entrant
    from gatekeeper.adapters.project import Project
    from gatekeeper.cli.session import Session
    from gatekeeper.core.layout import Layout
    from gatekeeper.model.evalset import Suite
    from gatekeeper.model.policy import Rule
    from gatekeeper.model.record import Arm
    from gatekeeper.model.release import Release, ReleaseRecord
    from gatekeeper.model.run import Run, RunOptions

NOTHING = "none"
"""The baseline of who wants no comparison; rules that compare have nothing to decide by then."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that is decided before the first request is sent.

    Attributes:
        candidate: The release under test.
        baseline: What it is compared with, where there is anything.
        baseline_suites: Suites that the policy compares, and that the baseline runs too.
        first_release: The environment's ledger is empty, and nothing else was named.
        rules: Of the policy that will decide.
        drift: How this machine differs from what the releases were validated on.
        contamination: Samples that the candidate has seen.
        left_out: Sets that were not chosen, of suites of which another set was.
        unasked: Sets of suites of which no set was chosen.
        warnings: Rules that so many samples cannot decide, or that let through what they are
            meant to stop.
        judging: Whose judges grade; the candidate's where it is None.
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
    unasked: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    judging: Entrant | None = None

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
        baseline: What to compare with, `NOTHING` for nothing; by default what the environment
            serves.
        seed: Of the random order.

    Raises:
        UsageError: A release, a set or a policy is not there.
        InputError: A set or the policy is not what it should be.
    """
    candidate = resolve_ref(session, ref)
    against, first = (candidate, False) if options.aa else _baseline(session, baseline, options)
    if against == candidate and not options.aa:
        raise UsageError(
            "is what it would be compared with",
            where=entrant(session.project, candidate)[0].release.reference,
            fix="name another release with --baseline, or measure its noise with --aa",
        )
    return _evaluation(session.project, candidate, against, options, seed, first=first)


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
        first=run.first_release,
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
    first: bool,
    contamination: tuple[str, ...] | None = None,
) -> Evaluation:
    """The evaluation of two releases; what is known of contamination is not looked for again."""
    from gatekeeper.cli.power import doubtful
    from gatekeeper.core.policy.forms import baseline_suites

    one, record = entrant(project, candidate)
    policy = deciding_policy(project, options, candidate)
    applied = policy_of(project, policy, options.parameters)
    rules = applied.rules
    named = sets_of(project, record.evaluation.sets, options.sets)
    sets = tuple(found for found in named if chosen(found, options.sets))
    compared = baseline_suites(rules, applied.metrics)
    if options.aa:
        compared = tuple(sorted({one.header.suite for one in sets}))
    if against is None:
        compared = ()
    other = entrant(project, against)[0] if against else None
    seen = contamination_of(project, one, sets) if contamination is None else contamination
    layout = layout_of(sets, compared, options, seed)
    return Evaluation(
        project=project,
        candidate=one,
        baseline=other,
        sets=sets,
        layout=layout,
        means=means_of(project),
        rules=rules,
        options=options,
        baseline_suites=compared,
        first_release=first,
        seed=seed,
        drift=drift_of(project, (one, *([other] if other else [])), options),
        contamination=seen,
        left_out=left_out(named, sets),
        unasked=unasked(named, sets),
        warnings=() if options.aa else doubtful(applied, sets, layout),
    )


def _baseline(session: Session, named: str | None, options: RunOptions) -> tuple[str | None, bool]:
    """What to compare with, and whether there is nothing yet that could be compared with."""
    if named not in (None, NOTHING):
        return resolve_ref(session, named), False
    head = ledger.head(site_of(session.project, options.environment))
    serves = None if head is None else head.entry.state.stable.release
    return (None if named == NOTHING else serves), serves is None


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
