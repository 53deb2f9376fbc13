"""What a tracker of experiments is told: a run and its verdict as params, metrics and tags."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from gatekeeper.core.secrets import find
from gatekeeper.model.base import NANO
from gatekeeper.model.tracking import Tracked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatekeeper.model.release import Release
    from gatekeeper.model.run import Run
    from gatekeeper.model.tracking import FailingSample
    from gatekeeper.model.verdict import RuleResult, Verdict

_FOREIGN: Final = re.compile(r"[^\w ./:-]")
"""What the names of metrics may not hold."""
_HIDDEN: Final = "(looks like a credential: not sent)"


def tracked(
    run: Run,
    verdict: Verdict | None,
    release: Release | None = None,
    *,
    artifacts: Mapping[str, str] | None = None,
    failing: tuple[FailingSample, ...] = (),
) -> Tracked:
    """All that is sent of a run.

    Args:
        run: As it was sealed.
        verdict: On this run; None where it was never gated.
        release: The candidate; None where it is not in this store, as with imported runs.
        artifacts: Texts by file name.
        failing: What becomes traces.
    """
    return Tracked(
        run=run.id,
        release=run.candidate.name,
        started=run.started,
        ended=run.ended,
        decided=verdict.decided if verdict else run.ended or run.started,
        params={key: _safe(value) for key, value in _params(run, verdict, release).items()},
        metrics=dict(_metrics(run, verdict)),
        tags={key: _safe(value) for key, value in _tags(run, verdict).items()},
        sets=run.sets,
        artifacts=dict(artifacts or {}),
        failing=failing,
    )


def _params(run: Run, verdict: Verdict | None, release: Release | None) -> dict[str, str]:
    found = {"release": run.candidate.digest, "seed": str(run.seed)}
    if run.baseline:
        found["baseline"] = run.baseline.digest
    if release:
        found |= {f"component.{name}": one for name, one in release.component_digests.items()}
    if run.price_book:
        found["price_book"] = run.price_book
    if verdict:
        found["policy"] = verdict.policy
        found |= {f"policy.{name}": f"{one:g}" for name, one in verdict.parameters.items()}
    for model, fingerprint in run.engines.items():
        found |= {f"engine.{model}.{name}": value for name, value in fingerprint.items()}
    return found


def _metrics(run: Run, verdict: Verdict | None) -> Iterator[tuple[str, float]]:
    yield "spend/usd", run.spend.nano_usd / NANO
    yield "spend/tokens", float(run.spend.tokens)
    if run.ended:
        yield "duration_s", (run.ended - run.started).total_seconds()
    for rule in verdict.rules if verdict else ():
        for name, value in _numbers(rule):
            if value is not None and math.isfinite(value):
                yield f"{_FOREIGN.sub('_', rule.rule)}/{name}", value


def _numbers(rule: RuleResult) -> tuple[tuple[str, float | None], ...]:
    """An estimate with its interval, what it is held against, and on how much it rests."""
    return (
        ("estimate", rule.estimate),
        ("low", rule.low),
        ("high", rule.high),
        ("limit", rule.limit),
        ("n", float(rule.n) if rule.estimate is not None else None),
    )


def _tags(run: Run, verdict: Verdict | None) -> dict[str, str]:
    found = {
        "gatekeeper.release": run.candidate.digest,
        "gatekeeper.release_name": run.candidate.name,
        "gatekeeper.outcome": verdict.outcome if verdict else "undecided",
    }
    if run.baseline:
        found["gatekeeper.baseline"] = run.baseline.digest
    if verdict:
        found["gatekeeper.policy"] = verdict.policy
        found["gatekeeper.policy_name"] = verdict.policy_name
    if run.partial:
        found["gatekeeper.partial"] = "; ".join(run.partial)
    if run.source:
        found["gatekeeper.source"] = run.source.tool or run.source.format
    return found


def _safe(value: str) -> str:
    """What a fingerprint says of an endpoint could hold what nobody meant to publish."""
    return _HIDDEN if find(value) else value
