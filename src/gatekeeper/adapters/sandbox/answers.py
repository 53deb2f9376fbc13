"""The rows of a query, checked one and all, as whole numbers and hashes of what they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.sandbox.columns import FLOATS, OPTIONAL, Columns
from gatekeeper.adapters.sandbox.statement import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection, DuckDBPyRelation

ARRAYS: Final = ("high", "low", "replicate", "y", "d")
"""What leaves the process, 64 bits each: a hash of suite and sample, and the numbers."""
KEY: Final = "suite || chr(31) || sample"
"""SQL of what is hashed."""
LARGEST: Final = 10**15
"""What a whole number may be: sums of squares then fit 128 bits."""
_NULLS: Final = "sample IS NULL OR y IS NULL OR d IS NULL OR replicate IS NULL"
_KNOWN: Final = """
CREATE OR REPLACE TEMP TABLE known AS
SELECT DISTINCT suite, sample, ({})::BIGINT AS replicate FROM requests
"""
_MATCHED: Final = """
CREATE OR REPLACE TEMP TABLE matched AS
SELECT k.suite, g.sample, g.replicate, g.y, g.d FROM given g LEFT JOIN known k
ON g.sample = k.sample AND g.replicate = k.replicate AND coalesce(g.suite, k.suite) = k.suite
"""
_UNKNOWN: Final = "SELECT min(sample) FROM matched WHERE suite IS NULL"
_TWICE: Final = """
SELECT min(sample) FROM (
  SELECT sample FROM given GROUP BY sample, suite, replicate HAVING count(*) > 1)
"""
_SHARED: Final = """
SELECT min(sample) FROM (
  SELECT sample FROM matched GROUP BY sample, replicate HAVING count(DISTINCT suite) > 1)
"""


def answer(
    connection: DuckDBPyConnection, relation: DuckDBPyRelation, kind: str
) -> Fault | dict[str, Any]:
    """The rows of a query as arrays named `ARRAYS`, or the first reason why they are of no use.

    Args:
        connection: Where the views are of one release.
        relation: The query, bound to them.
        kind: Of the metric; of a proportion y has to be 0 or 1.
    """
    columns = Columns.of(relation)
    _keep(connection, relation, columns)
    for fault in _faults(connection, columns, kind):
        return fault
    packed = (
        f"SELECT md5_number_upper({KEY}) AS high, md5_number_lower({KEY}) AS low, "  # noqa: S608
        f"replicate::BIGINT AS replicate, ({columns.whole('y')})::BIGINT AS y, "
        f"({columns.whole('d')})::BIGINT AS d "
        "FROM matched"
    )
    return dict(connection.execute(packed).fetchnumpy())


def _keep(connection: DuckDBPyConnection, relation: DuckDBPyRelation, columns: Columns) -> None:
    """The rows as a table: at most one more than there can be, which shows that they are wrong."""
    most = _one(connection, "SELECT count(*) FROM requests") + 1
    relation.limit(most).to_view("asked", replace=True)
    kept = ", ".join(["sample", *(columns.plain(name) for name in ("y", *OPTIONAL))])
    connection.execute(f"CREATE OR REPLACE TEMP TABLE given AS SELECT {kept} FROM asked")  # noqa: S608
    connection.execute(_KNOWN.format("replicate" if "replicate" in columns.kinds else "-1"))


def _one(connection: DuckDBPyConnection, sql: str) -> Any:
    return connection.execute(sql).fetchall()[0][0]


def _faults(connection: DuckDBPyConnection, columns: Columns, kind: str) -> Iterator[Fault]:
    def rows(where: str) -> int:
        """How many rows of the answer meet a condition."""
        return int(_one(connection, f"SELECT count(*) FROM given WHERE {where}"))  # noqa: S608

    total = rows("true")
    if not total:
        yield Fault("no_rows", "it gives no row", "one row a sample")
    for code, where, what, accepted in _conditions(columns, kind):
        if count := rows(where):
            yield Fault(code, f"{what} in {count:,} of {total:,} rows", accepted)
    if (twice := _one(connection, _TWICE)) is not None:
        yield Fault("twice", f"it gives sample {twice!r} more than once", "one row a sample")
    connection.execute(_MATCHED)
    if (unknown := _one(connection, _UNKNOWN)) is not None:
        message = f"it gives {unknown!r}, which is no sample of these records"
        yield Fault("unknown_sample", message, "the column `sample` of a view")
    if "suite" not in columns.kinds and (shared := _one(connection, _SHARED)) is not None:
        yield Fault("ambiguous", f"{shared!r} is a sample of several suites", "a column `suite`")


def _conditions(columns: Columns, kind: str) -> Iterator[tuple[str, str, str, str]]:
    """Code, SQL of the rows that are wrong, what is wrong with them, and what is accepted."""
    nulls = _NULLS + (" OR suite IS NULL" if "suite" in columns.kinds else "")
    yield "incomplete", nulls, "it gives a NULL", "a value in each row"
    for name in ("y", "d"):
        if columns.kinds.get(name) in FLOATS:
            bad = f"NOT isfinite({name})"
            yield "not_finite", bad, f"{name} is NaN or infinite", "finite numbers"
    for name in ("y", "d"):
        most = LARGEST // 10**columns.places
        yield "too_large", f"abs({name}) > {most}", f"{name} is too large", f"at most {most:,}"
    yield "negative", "d < 0", "d is negative", "a denominator of 0 or more"
    if kind == "proportion":
        yield "no_share", "y NOT IN (0, 1)", "y is neither 0 nor 1", "0 or 1, or a boolean"
