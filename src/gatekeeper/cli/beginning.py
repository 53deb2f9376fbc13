"""Composition: a new run, as `run.json` has it before the first request."""

from __future__ import annotations

import platform
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gatekeeper import __version__

if TYPE_CHECKING:
    from gatekeeper.cli.evaluations import Evaluation
    from gatekeeper.model.prices import ModelPrice
    from gatekeeper.model.run import Run, RunSet


def begin(evaluation: Evaluation) -> Run:
    """What `run.json` says when the first request is about to be sent."""
    from gatekeeper.core.canonical import canonical_model, digest
    from gatekeeper.model.run import Run, RunRelease, run_id

    now = datetime.now(UTC)
    releases = {
        arm: RunRelease(name=one.release.name, digest=one.release.digest)
        for arm, one in evaluation.entrants.items()
    }
    return Run(
        id=run_id(now, secrets.token_hex(2)),
        status="running",
        candidate=releases["candidate"],
        baseline=releases.get("baseline"),
        first_release=evaluation.first_release,
        sets=_sets(evaluation),
        baseline_suites=evaluation.baseline_suites,
        seed=evaluation.seed,
        options=evaluation.options,
        determinism=_determinism(evaluation),
        price_book=digest(canonical_model(evaluation.means.prices)),
        prices=_prices(evaluation),
        started=now,
        unasked=evaluation.unasked,
        partial=_partial(evaluation),
        drift=evaluation.drift,
        contamination=evaluation.contamination,
    )


def _sets(evaluation: Evaluation) -> tuple[RunSet, ...]:
    from gatekeeper.core.asking import asked_of
    from gatekeeper.model.run import RunSet

    return tuple(
        RunSet(
            name=one.header.name,
            suite=one.header.suite,
            digest=one.digest,
            samples=len(share.numbers),
            replicates=share.replicates,
            of=len(one) if len(share.numbers) < len(one) else None,
            asked=asked_of(one.header, one.digest, one, len(one)),
        )
        for one, share in zip(evaluation.sets, evaluation.layout.shares, strict=True)
    )


def _prices(evaluation: Evaluation) -> dict[str, ModelPrice]:
    """What the price book says of the models of both releases."""
    book = evaluation.means.prices.models
    entrants = evaluation.entrants.values()
    names = {name for one in entrants for name in one.release.components.model.models}
    return {name: book[name] for name in sorted(names & book.keys())}


def _partial(evaluation: Evaluation) -> tuple[str, ...]:
    options, found = evaluation.options, []
    if evaluation.left_out:
        found.append(f"--set: {', '.join(evaluation.left_out)} was not asked")
    if options.limit is not None and any(options.limit < len(one) for one in evaluation.sets):
        found.append(f"--limit {options.limit}: not every sample was asked")
    if options.shard is not None and options.shard.count > 1:
        found.append(f"shard {options.shard.index} of {options.shard.count}: merge the shards")
    return tuple(found)


def _determinism(evaluation: Evaluation) -> dict[str, str]:
    """What decides whether the same run would give the same answers."""
    sampling = evaluation.candidate.release.components.serving.sampling
    return {
        "order": f"random, seed {evaluation.seed}",
        "temperature": f"{sampling.temperature:g}",
        "sampling_seed": str(sampling.seed),
        "replicate_seeds": "the release's own, then one derived from it for each",
        "concurrency": str(evaluation.options.concurrency),
        "batching": "continuous: what is computed together depends on timing",
        "gatekeeper": __version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
