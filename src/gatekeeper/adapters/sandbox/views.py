"""The views that a query sees: the records of one release, of the suites that its metric is of.

`requests` has the columns of a request but for those that say whose it is, and `sample`, its name
in the statistics: a query that knew the release could find for one and against another. `calls`,
`scores` and `outcomes` have theirs and `sample`, `suite`, `replicate` and `turn` of their request;
calls of judges are left out, because no release makes them. `facts` has `name` and `value`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gatekeeper.adapters.columns import TABLES
from gatekeeper.adapters.sandbox.statement import HIDDEN
from gatekeeper.adapters.sides import ARM, OWN_CALL, SAMPLE
from gatekeeper.adapters.tables import literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatekeeper.model.record import Arm

OF_THE_REQUEST: Final = ("sample", "suite", "replicate", "turn")
"""Columns that rows of the other tables have from their request."""
_FACTS: Final = "CREATE OR REPLACE TABLE facts (name VARCHAR, value DOUBLE)"


def empty_views() -> list[str]:
    """Tables with the columns of the views and no row, to check a query by."""
    kinds = dict(TABLES[0].columns) | {"sample": "VARCHAR"}
    made = []
    for table in TABLES:
        own = dict(table.columns) | {name: kinds[name] for name in OF_THE_REQUEST}
        shown = ((name, kind) for name, kind in own.items() if name not in HIDDEN)
        columns = ", ".join(f"{name} {kind}" for name, kind in shown)
        made.append(f"CREATE OR REPLACE TABLE {table.name} ({columns})")
    return [*made, _FACTS]


@dataclass(frozen=True, slots=True)
class Records:
    """The tables of a sealed run, and what it compares.

    Attributes:
        sources: What each table is read from, as SQL.
        paths: The files behind them.
        candidate: Digest of the release under test.
        baseline: Digest of the release that it is compared with, if any.
        facts: Declared facts.
    """

    sources: Mapping[str, str]
    paths: tuple[str, ...]
    candidate: str
    baseline: str | None = None
    facts: Mapping[str, float] = field(default_factory=dict)

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The sides that have records, the candidate first."""
        return ("candidate", "baseline") if self.baseline else ("candidate",)


def record_views(records: Records, side: Arm, suites: Sequence[str]) -> list[str]:
    """SQL that makes the views of one side; of all suites where none is named."""
    sources = records.sources
    releases = [records.candidate, records.baseline or records.candidate]
    arm = ARM.replace("$candidate", literal(records.candidate))
    where = f"{arm} = {literal(side)} AND release IN ({_listed(releases)})"
    if suites:
        where += f" AND suite IN ({_listed(suites)})"
    requests = (
        f"CREATE OR REPLACE VIEW requests AS SELECT * EXCLUDE ({', '.join(HIDDEN)}) "  # noqa: S608
        "REPLACE (coalesce(suite, '') AS suite), "
        f"{SAMPLE} AS sample FROM {sources['requests']} WHERE {where}"
    )
    request = f"(SELECT request_id, {', '.join(OF_THE_REQUEST)} FROM requests)"  # noqa: S608
    made = [requests]
    for table in TABLES[1:]:
        only = f" WHERE {OWN_CALL}" if table.name == "calls" else ""
        made.append(
            f"CREATE OR REPLACE VIEW {table.name} AS SELECT * FROM {sources[table.name]} "  # noqa: S608
            f"JOIN {request} USING (request_id){only}"
        )
    return [*made, _FACTS, *(_fact(name, value) for name, value in records.facts.items())]


def _listed(values: Sequence[str]) -> str:
    return ", ".join(literal(value) for value in values)


def _fact(name: str, value: float) -> str:
    return f"INSERT INTO facts VALUES ({literal(name)}, {value!r})"  # noqa: S608
