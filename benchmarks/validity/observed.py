"""What the tables of drawn conversations show, without the tables: a hundred times as fast.

`end_to_end` asks the tables too, and finds whether both are the same to the last digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gatekeeper.core.measure import RELATIVE
from gatekeeper.core.observation import PairedProportion, Pairs, Proportion, Sums, Times

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from gatekeeper.core.observation import Observation
    from gatekeeper.model.policy import Rule


@dataclass(frozen=True)
class Trials:
    """The conversations of one draw on both releases, in the order of their samples.

    Attributes:
        candidate: Columns of the candidate, as `tables_of_runs` describes them.
        baseline: Those of the baseline, of the same samples.
    """

    candidate: Mapping[str, NDArray[Any]]
    baseline: Mapping[str, NDArray[Any]]

    def of(self, suites: Sequence[str]) -> Trials:
        """Those of some suites."""
        kept = np.isin(self.candidate["suite"], suites)
        return Trials(*({k: x[kept] for k, x in side.items()} for side in self.sides))

    @property
    def sides(self) -> tuple[Mapping[str, NDArray[Any]], Mapping[str, NDArray[Any]]]:
        """Both."""
        return self.candidate, self.baseline

    @property
    def repeated(self) -> bool:
        """Whether samples have replicates."""
        return bool(self.candidate["replicate"].any())

    @property
    def grouped(self) -> bool:
        """Whether conversations depend on each other."""
        return self.repeated or bool((self.candidate["cluster"] != "").any())

    @property
    def samples(self) -> int:
        """Distinct ones."""
        names = np.stack([self.candidate["suite"], self.candidate["sample"].astype(str)])
        return len(np.unique(names, axis=1).T)

    @property
    def units(self) -> NDArray[np.int64]:
        """The number of what each belongs to: its cluster, or its sample."""
        one = self.candidate
        number = np.char.zfill(one["sample"].astype(str), 3)
        alone = np.char.add(np.char.add(one["suite"], "/"), number)
        named = np.where(one["cluster"] == "", alone, np.char.add("cluster ", one["cluster"]))
        return np.unique(named, return_inverse=True)[1]


def draws(conversations: Mapping[str, NDArray[Any]]) -> dict[int, Trials]:
    """The conversations of each draw."""
    order = np.lexsort([conversations[k] for k in ("replicate", "sample", "suite", "draw")])
    told = {name: column[order] for name, column in conversations.items()}
    sides = [{k: x[told["candidate"] == new] for k, x in told.items()} for new in (True, False)]
    found = {}
    for draw in np.unique(told["draw"]).tolist():
        kept = sides[0]["draw"] == draw
        found[draw] = Trials(*({k: x[kept] for k, x in side.items()} for side in sides))
    return found


def observed(rule: Rule, trials: Trials) -> Observation:
    """What a rule of `end_to_end.RULES` rests on."""
    suites, columns = _METRICS[rule.metric]
    seen = trials.of(suites)
    sides = seen.sides if rule.test in RELATIVE else (seen.candidate,)
    found = [np.asarray(x, np.int64) for side in sides for x in columns(side)]
    if rule.metric.endswith("latency"):
        return _times(seen, found)
    if len(found) in {2, 4} and rule.metric not in _SHARES:
        return _sums(seen, found)
    return _share(seen, found[0]) if len(found) == 1 else _pairs(seen, *found)


def _share(seen: Trials, events: NDArray[np.int64]) -> Proportion:
    clusters = _added(seen, [events, np.ones_like(events)]) if seen.grouped else None
    samples = seen.samples if seen.repeated else 0
    return Proportion(len(events), int(events.sum()), clusters=clusters, samples=samples)


def _pairs(seen: Trials, new: NDArray[np.int64], old: NDArray[np.int64]) -> PairedProportion:
    n = len(new)
    pairs = Pairs(n, int((new > old).sum()), int((new < old).sum()))
    return PairedProportion(
        Proportion(n, int(new.sum())),
        Proportion(n, int(old.sum())),
        pairs,
        pairs,
        clusters=_added(seen, [new - old, np.ones_like(new)]) if seen.grouped else None,
        samples=seen.samples if seen.repeated else 0,
    )


def _sums(seen: Trials, columns: list[NDArray[np.int64]]) -> Sums:
    made, each = _added(seen, columns), np.stack(columns)
    n = seen.samples if seen.repeated else each.shape[1]
    totals = _totals(seen, each)
    return Sums(
        made.n,
        made.totals,
        made.products,
        samples=0 if n == made.n else n,
        tied=bool((each[:2] == each[:2, :1]).all()),
        groups=totals.T,
        alone=_products(each) if seen.grouped else None,
    )


def _times(seen: Trials, columns: list[NDArray[np.int64]]) -> Times:
    units = seen.units if seen.grouped else None
    return Times(columns[0], columns[1] if len(columns) > 1 else None, units)


def _added(seen: Trials, columns: list[NDArray[np.int64]]) -> Sums:
    return _products(_totals(seen, np.stack(columns)))


def _totals(seen: Trials, columns: NDArray[np.int64]) -> NDArray[np.int64]:
    if not seen.grouped:
        return columns
    units = seen.units
    made = np.zeros((len(columns), int(units.max()) + 1), np.int64)
    for total, column in zip(made, columns, strict=True):
        np.add.at(total, units, column)
    return made


def _products(units: NDArray[np.int64]) -> Sums:
    exact = [[int(value) for value in column] for column in units]
    products = tuple(
        tuple(sum(x * y for x, y in zip(a, b, strict=True)) for b in exact) for a in exact
    )
    return Sums(len(exact[0]), tuple(map(sum, exact)), products)


def _usd(one: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """Nano-dollars of all calls, each rounded."""
    calls = one["attempts"] + one["turns"] - 1
    return np.round(one["usd"] * 1e6 / calls).astype(np.int64) * calls


def alike(one: Any, other: Any) -> bool:
    """Whether two observations are the same; in what order groups come is of no account."""
    if isinstance(one, np.ndarray):
        return sorted(one.tolist()) == sorted(other.tolist()) and one.shape == other.shape
    if not hasattr(one, "__dataclass_fields__"):
        return bool(one == other)
    return type(one) is type(other) and all(
        alike(getattr(one, name), getattr(other, name)) for name in one.__dataclass_fields__
    )


_METRICS: dict[str, Any] = {
    "resolved_rate": (["quality"], lambda one: [one["resolved"] & (one["turns"] > 0)]),
    "correctness": (["quality"], lambda one: [one["facts"] & one["number"]]),
    "fallback_rate": (["quality", "load"], lambda one: [one["fell_back"]]),
    "groundedness": (
        ["quality"],
        lambda one: [np.round(one["grounded"] * 1e6), np.ones(len(one["grounded"]))],
    ),
    "usd_per_resolved_request": (["quality"], lambda one: [_usd(one), one["resolved"]]),
    "retry_amplification": (
        ["quality", "load"],
        lambda one: [one["attempts"] + one["turns"] - 1, one["turns"]],
    ),
    "p50_latency": (["load"], lambda one: [np.round(one["seconds"] * 1e6)]),
    "p95_latency": (["load"], lambda one: [np.round(one["seconds"] * 1e6)]),
}
"""Suites, and what a conversation comes to: one column of a share, or a sum and its divisor."""
_SHARES = {"resolved_rate", "correctness", "fallback_rate"}
