"""From the rows of coalitions to one table: the same samples in the same order, put into units."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from gatekeeper.core.attribution.seen import Seen, Table
from gatekeeper.core.metrics.formula import absent, blend, chosen
from gatekeeper.core.observation import Missing
from gatekeeper.core.wording import listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy import int64
    from numpy.typing import NDArray

    from gatekeeper.core.attribution.seen import Key
    from gatekeeper.core.metrics.formula import Blend
    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.model.facts import Facts


@dataclass(frozen=True, slots=True)
class Rows:
    """One metric of one coalition, a row a conversation, ordered by its key.

    Attributes:
        clusters: What groups the samples that are not independent; empty where nothing does.
        missing: Rows that lack what the metric is made of.
    """

    keys: Sequence[Key]
    clusters: Sequence[str]
    y: NDArray[int64]
    d: NDArray[int64]
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Scope:
    """What a table is restricted to, and what is known beside the records.

    Attributes:
        facts: What was declared that no request knows.
        only: Conversations that count; all where there is None.
    """

    facts: Facts | None = None
    only: frozenset[Key] | None = None


ALL: Final = Scope()


def table(
    metric: Metric,
    seen: Mapping[int, Rows | Missing],
    against: Mapping[int, Rows | Missing],
    scope: Scope = ALL,
) -> Table | Missing:
    """One table of all coalitions, or why there can be none.

    Args:
        metric: What is measured.
        seen: By coalition; that of nobody is the baseline.
        against: The baseline in the session of each coalition, where times were measured.
        scope: What it is restricted to.
    """
    found = [*seen.values(), *against.values()]
    if missing := _missing(metric, found, scope.facts):
        return missing
    sound = {one: rows for one, rows in seen.items() if not isinstance(rows, Missing)}
    beside = {one: rows for one, rows in against.items() if not isinstance(rows, Missing)}
    measured = [*sound.values(), *beside.values()]
    every = _keys(metric, measured)
    keys = [key for key in every if scope.only is None or key in scope.only]
    if not keys:
        return Missing("no_samples", "not a single sample was run", "a run of its suites")
    blended = _blend(metric, scope.facts, Fraction(len(keys), len(every)))
    if isinstance(blended, Missing):
        return blended
    return Table(
        _units(keys, measured),
        {one: _seen(rows, keys, metric) for one, rows in sound.items()},
        {one: _seen(rows, keys, metric) for one, rows in beside.items()},
        metric.quantile if metric.kind == "quantile" else None,
        counts=metric.kind == "census",
        blend=blended,
        keys=keys,
    )


def _missing(
    metric: Metric, found: Sequence[Rows | Missing], facts: Facts | None
) -> Missing | None:
    """Why a metric cannot be told of every release."""
    if why := unmeasurable(metric, facts):
        return why
    for rows in found:
        if isinstance(rows, Missing):
            return rows
    if lacking := sum(rows.missing for rows in found if not isinstance(rows, Missing)):
        what = f"{lacking:,} samples lack what it is made of: {metric.source}"
        return Missing("incomplete", what, "a run whose scorers and pipeline fill it in")
    return None


def unmeasurable(metric: Metric, facts: Facts | None) -> Missing | None:
    """Why no mix of releases can show anything of a metric: what people declare is of no mix."""
    if metric.kind != "declared":
        return absent(metric.formulas, facts)
    what = (
        f"it is made of declared facts alone ({listed(metric.facts)}): they are of the release as "
        "a whole, and no evaluation tells whose part they are, so no component can be named"
    )
    return Missing("declared", what, "")


def _blend(metric: Metric, facts: Facts | None, share: Fraction) -> Blend | Missing | None:
    used = chosen(metric.formulas, facts) if facts else None
    return blend(used, facts, share) if used and facts else None


def _keys(metric: Metric, found: Sequence[Rows]) -> list[Key]:
    """Conversations that all were measured on; in sums, one that is left out adds nothing."""
    sets = [set(rows.keys) for rows in found]
    return sorted(set.intersection(*sets) if metric.kind == "quantile" else set.union(*sets))


def _seen(rows: Rows, keys: Sequence[Key], metric: Metric) -> Seen:
    """Sums of a ratio; of a share, whether each conversation had the event."""
    y, d = _placed(rows, rows.y, keys), _placed(rows, rows.d, keys)
    if metric.kind != "proportion":
        return Seen(y, d)
    return Seen((y > 0).astype("int64"), (d > 0).astype("int64"))


def _placed(rows: Rows, values: NDArray[int64], keys: Sequence[Key]) -> NDArray[int64]:
    """Values in the order of `keys`, 0 where a conversation has none."""
    import numpy as np

    if list(rows.keys) == keys:
        return values
    place = {key: number for number, key in enumerate(rows.keys)}
    padded = np.append(values, 0)
    return padded[[place.get(key, len(values)) for key in keys]]


def _units(keys: Sequence[Key], found: Sequence[Rows]) -> NDArray[int64]:
    """The number of each conversation's unit: the cluster of its sample, or its sample."""
    import numpy as np

    clusters = {
        key: cluster
        for rows in found
        for key, cluster in zip(rows.keys, rows.clusters, strict=True)
    }
    names = [(key[0], clusters[key], "" if clusters[key] else key[1]) for key in keys]
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    return np.array([numbers[name] for name in names], dtype=np.int64)
