"""Metrics that a policy brings along: checked when it is read, run when a rule asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.adapters.columns import TABLES
from gatekeeper.adapters.sandbox import process, views
from gatekeeper.adapters.sandbox.answers import ARRAYS, KEY
from gatekeeper.adapters.sandbox.statement import Fault
from gatekeeper.adapters.tables import sealed_rows
from gatekeeper.core.metrics.metric import KEYS
from gatekeeper.core.observation import Missing
from gatekeeper.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from gatekeeper.adapters.sandbox.confine import Limits
    from gatekeeper.adapters.sandbox.views import Records
    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.core.policy.rules import Locate
    from gatekeeper.errors import Problem
    from gatekeeper.model.facts import Facts
    from gatekeeper.model.policy import GatePolicy

_RECEIVED: Final = "received"
_SAMPLES: Final = """
(SELECT side, arg_min(trial, replicate) AS trial, suite, sample, min(replicate) AS replicate,
  min(cluster) AS cluster, min(due) AS due, sum(errors) AS errors
FROM trials GROUP BY side, suite, sample)
"""
"""Samples by their first replicate, which stands for all of them."""
_OWN: Final = f"""
CREATE OR REPLACE TEMP TABLE {{table}} AS
SELECT {KEYS}, y, d, ({{unknown}})::TINYINT AS unknown, (errors > 0)::TINYINT AS failed,
  false AS silent
FROM {{source}} AS known JOIN (SELECT side, high, low, replicate AS one, y, d FROM {_RECEIVED})
USING (side)
WHERE high = md5_number_upper({KEY}) AND low = md5_number_lower({KEY}) AND {{one}}
"""  # noqa: S608 - constants only
_DOUBTFUL: Final = "y = 0 AND errors > 0"
"""An error that a query does not count as the bad thing may have been one."""
UNSEALED: Final = Missing(
    "own_unmeasured",
    "the policy's own SQL is run on sealed runs only",
    "a run that came to its end",
)


def check_own_metrics(policy: GatePolicy, locate: Locate) -> None:
    """Refuse a policy whose own metrics cannot be; raises `InputError` with every reason."""
    problems = list(_problems(policy, locate))
    if problems:
        raise InputError(problems)


def records_of(
    connection: DuckDBPyConnection,
    directory: Path,
    candidate: str,
    baseline: str | None = None,
    facts: Facts | None = None,
) -> Records:
    """What own metrics may be asked of, in the directory of a sealed run."""
    values = dict(facts.values) if facts else {}
    paths = {table.name: (directory / table.sealed).resolve() for table in TABLES}
    sources = {
        table.name: f"({sealed_rows(connection, table, paths[table.name])})" for table in TABLES
    }
    return views.Records(sources, tuple(map(str, paths.values())), candidate, baseline, values)


def measure_own(
    connection: DuckDBPyConnection,
    metric: Metric,
    records: Records,
    limits: Limits = process.DEFAULT,
) -> Missing | None:
    """Put what a metric's own query gives into the table `own`, which `SQL` reads.

    Args:
        connection: With the table `trials`.
        metric: One that a policy defines.
        records: What it may be asked of.
        limits: What it may use.

    Returns:
        Why it gives nothing that could be used; None where the table holds it.
    """
    counted = connection.execute("SELECT count(*) FROM requests").fetchall()[0][0]
    question = process.Question(
        metric.sql,
        metric.kind,
        records.paths,
        [views.record_views(records, side, metric.suites) for side in records.arms],
        counted,
    )
    given = process.rows(question, limits)
    if isinstance(given, Fault):
        return Missing(
            f"own_{given.code}", f"its own query cannot be used: {given.message}", given.accepted
        )
    _join(connection, metric, given)
    return None


def table_of(metric: Metric) -> str:
    """SQL of the name of the table that holds what a policy's own query gave."""
    return '"own ' + metric.name.replace('"', '""') + '"'


def _problems(policy: GatePolicy, locate: Locate) -> Iterator[Problem]:
    queries = [(own.sql, own.kind) for own in policy.metrics.values()]
    told = process.check(queries, views.empty_views())
    for name, faults in zip(policy.metrics, told, strict=True):
        for fault in faults:
            yield locate(("metrics", name, "sql"), fault.message, fault.accepted)


def _join(connection: DuckDBPyConnection, metric: Metric, given: list[dict[str, object]]) -> None:
    """Tell the samples again by their hashes, which are all that came back."""
    import numpy as np

    sizes = [len(side["y"]) for side in given]  # type: ignore[arg-type]
    columns = {name: np.concatenate([side[name] for side in given]) for name in ARRAYS}
    columns["side"] = np.repeat(np.array([1, 0], np.int8)[: len(sizes)], sizes)
    doubtful = metric.kind == "proportion" and metric.better == "low"
    whole = bool((columns["replicate"] < 0).all())
    connection.register(_RECEIVED, columns)
    try:
        connection.execute(
            _OWN.format(
                table=table_of(metric),
                unknown=_DOUBTFUL if doubtful else "0",
                source=_SAMPLES if whole else "trials",
                one="true" if whole else "one = replicate",
            )
        )
    finally:
        connection.unregister(_RECEIVED)
