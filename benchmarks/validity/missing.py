"""Pairs of which a side is missing: what it does to a rule whose limit is exactly the truth.

Of some draws the tables of a run are made too, and what they show of pairs that are incomplete has
to be the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from benchmarks.validity.heavy import sums
from benchmarks.validity.study import ALPHA, Table, percent, random
from benchmarks.validity.tables_of_runs import measured

from gatekeeper.core.measure import infer, without_gaps
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.core.observation import LeftOut, Sums
from gatekeeper.model.policy import Rule

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

SAMPLES = 200
CHANGE, NOISE = 0.1, 0.3
RULE = Rule(
    name="cost.usd",
    section="cost",
    metric="usd_per_resolved_request",
    test="max_increase",
    limit=0.1,
)
WAYS = {
    "nobody fails": (0, "no", 0.0),
    "the baseline, on 1 % of the samples, any": (2, "any", 0.0),
    "the baseline, on 1 %, where the candidate is dearest": (2, "dear", 0.0),
    "the baseline, on 5 %, any": (10, "any", 0.0),
    "the baseline, on 5 %, where the candidate is dearest": (10, "dear", 0.0),
    "the candidate, on the 5 % that are dearest for both": (0, "no", 0.05),
}
"""Samples on which the baseline fails, which, and the share on which the candidate does."""


def tables(*, quick: bool) -> tuple[Table, ...]:
    """How often a rule at its limit passes, and fails, with what is missing and without."""
    draws = 20 if quick else 400
    rows, broken = [], []
    for name, way in WAYS.items():
        found = np.array([_told(way, random(f"{name} {draw}")) for draw in range(draws)])
        dropped, passes, fails, good = found.mean(axis=0)
        rows.append((name, *map(percent, (dropped, passes, fails, good))))
        if max(passes, fails) > ALPHA + 3 * (ALPHA * (1 - ALPHA) / draws) ** 0.5:
            broken.append(f"missing, {name}: {percent(passes)} pass, {percent(fails)} fail")
        if not _as_in_tables(way, random(name)):
            broken.append(f"missing, {name}: the tables say otherwise")
    columns = (
        "who fails",
        "wrong passes if such pairs are dropped",
        "ours",
        "our wrong failures",
        "passes if the release costs the same",
    )
    return (Table("missing", columns, tuple(rows), tuple(broken)),)


def _told(way: tuple[int, str, float], generator: Generator) -> tuple[bool, bool, bool, bool]:
    """Passes without what is missing, and with it; fails; passes if the release is no dearer."""
    before, noise = _costs(generator)
    at_limit, same = (
        _seen(before, before * noise * (1 + more), *_failing(way, before, noise))
        for more in (CHANGE, 0.0)
    )
    alone = without_gaps(at_limit)
    return _shown(alone), _shown(at_limit), _shown(at_limit, met=False), _shown(same)


def _costs(generator: Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    noise = generator.lognormal(-(NOISE**2) / 2, NOISE, SAMPLES)
    return generator.lognormal(0, 0.5, SAMPLES), noise


def _failing(
    way: tuple[int, str, float], before: NDArray[np.float64], noise: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """On which samples the baseline fails, and the candidate."""
    count, which, share = way
    order = np.argsort(-before * (noise - 1)) if which == "dear" else np.arange(SAMPLES)
    lost = np.isin(np.arange(SAMPLES), order[:count])
    dear = np.argsort(-before)[: round(share * SAMPLES)]
    return lost, np.isin(np.arange(SAMPLES), dear)


def _seen(
    before: NDArray[np.float64],
    cost: NDArray[np.float64],
    lost: NDArray[np.bool_],
    failing: NDArray[np.bool_],
) -> Sums:
    """As `gatekeeper.adapters.metrics.incomplete` completes pairs."""
    new, old = (np.round(1e6 * usd).astype(np.int64) for usd in (cost, before))
    new, old = np.where(failing, 0, new), np.where(lost, 0, old)
    done = (~failing).astype(np.int64)
    both = ~lost
    most = int(old[both].max())
    one = np.ones(SAMPLES, np.int64)
    high = np.where(failing, np.maximum(new, old), new)
    seen = sums(np.stack([new, done, old, one])[:, both])
    uncertain = bool(lost.any() or failing.any())
    return replace(
        seen,
        left_out=LeftOut(failed=int(lost.sum())),
        high=sums(np.stack([high, done, old, one])) if uncertain else None,
        low=sums(np.stack([new, done, np.where(lost, most, old), one])) if lost.any() else None,
    )


def _as_in_tables(way: tuple[int, str, float], generator: Generator) -> bool:
    """Whether the tables of one run say the same."""
    before, noise = _costs(generator)
    lost, failing = _failing(way, before, noise)
    sides = ((True, before * noise, failing), (False, before, lost))
    told = {
        "sample": np.tile(np.arange(SAMPLES), 2),
        "candidate": np.repeat([True, False], SAMPLES),
        "usd": np.concatenate([usd for _, usd, _ in sides]),
        "error": np.concatenate([bad for _, _, bad in sides]),
    }
    seen: Any = measured(told).observe(METRICS[RULE.metric], paired=True)
    drawn = _seen(before, before * noise, lost, failing)
    ends = ((seen, drawn), (seen.high, drawn.high), (seen.low, drawn.low))
    return seen.left_out == drawn.left_out and all(
        one == other
        if other is None
        else (one.totals, one.products) == (other.totals, other.products)
        for one, other in ends
    )


def _shown(seen: Any, *, met: bool = True) -> bool:
    found = infer(RULE, METRICS[RULE.metric], seen)
    p = found.p(CHANGE, "below" if met else "above") if found else None
    return p is not None and p <= ALPHA
