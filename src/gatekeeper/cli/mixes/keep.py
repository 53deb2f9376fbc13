"""Composition: a mixed release becomes a release of the project, with its verdict as evidence."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gatekeeper import __version__

if TYPE_CHECKING:
    from gatekeeper.cli.mixes.bench import MixBench
    from gatekeeper.model.attribution import Rollback
    from gatekeeper.model.release import ReleaseRecord
    from gatekeeper.ops.attribute import Taken


def keep(found: Rollback, bench: MixBench) -> Rollback:
    """Store and sign a rollback whose verdict was just made, and attach that verdict.

    The run that the verdict rests on becomes a run of the project.
    """
    from gatekeeper.cli.kept_verdicts import attach
    from gatekeeper.cli.wiring import release_signer, store_of
    from gatekeeper.ops.build import store

    project = bench.session.project
    taken = bench.changed - frozenset(found.components)
    signer, _ = release_signer(project)
    directory, run = bench.decided[taken]
    store(bench.packed(taken), _record(taken, bench), store_of(project), signer)
    project.runs.mkdir(parents=True, exist_ok=True)
    directory.rename(project.runs / run.id)
    verdict = bench.verdict(project.runs / run.id)
    attach(project, verdict)
    return found.model_copy(update={"kept": True, "outcome": verdict.outcome})


def _record(taken: Taken, bench: MixBench) -> ReleaseRecord:
    """What the candidate's record says, but for whose components these are."""
    from gatekeeper.cli.evaluations import entrant
    from gatekeeper.core.attribution.players import in_order
    from gatekeeper.model.release import ReleaseRecord

    _, record = entrant(bench.session.project, bench.candidate.release.digest)
    mix = bench.entrant(taken)
    return ReleaseRecord(
        release=mix.release.digest,
        metadata=record.metadata,
        evaluation=record.evaluation,
        manifest=record.manifest,
        manifest_digest=record.manifest_digest,
        model_locations=dict(mix.locations),
        built=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        builder=f"gatekeeper {__version__}",
        taken=dict.fromkeys(in_order(bench.changed - taken), bench.baseline.release.digest),
    )
