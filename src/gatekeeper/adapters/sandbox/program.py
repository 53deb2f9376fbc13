"""What runs in the process of its own: a request on standard input, an answer on standard output.

A request is one JSON object, an answer one line of JSON, followed by arrays of 64-bit numbers where
rows were asked for.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from gatekeeper.adapters.sandbox.answers import ARRAYS, answer
from gatekeeper.adapters.sandbox.columns import Columns
from gatekeeper.adapters.sandbox.confine import Limits, connect, limit_process
from gatekeeper.adapters.sandbox.statement import HIDDEN, Fault, refusals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection, DuckDBPyRelation


def main() -> None:
    """Answer one request; everything that may go wrong with a query is part of the answer."""
    request = json.load(sys.stdin)
    limits = Limits(**request["limits"])
    limit_process(limits)
    connection = connect(limits, request["paths"])
    told, arrays = answered(connection, request)
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n")
    for array in arrays:
        sys.stdout.buffer.write(array.tobytes())
    sys.stdout.buffer.flush()


def answered(
    connection: DuckDBPyConnection, request: dict[str, Any]
) -> tuple[dict[str, Any], list[Any]]:
    """The answer to a request: what there is to say, and the arrays that follow."""
    if request["ask"] == "check":
        _set_up(connection, request["views"])
        checks = [list(_checked(connection, *one)) for one in request["queries"]]
        return {"checks": checks}, []
    sides: list[dict[str, Any]] = []
    arrays: list[Any] = []
    for views in request["sides"]:
        _set_up(connection, views)
        found = _rows(connection, request["query"], request["kind"])
        if isinstance(found, Fault):
            # A baseline may have run none of the suites; whoever compares with it will see.
            silent = bool(sides) and found.code == "no_rows"
            sides.append({"rows": 0} if silent else {"fault": found})
        else:
            sides.append({"rows": len(found["y"])})
            arrays += [found[name] for name in ARRAYS]
    return {"sides": sides}, arrays


def _set_up(connection: DuckDBPyConnection, views: list[str]) -> None:
    for statement in views:
        connection.execute(statement)


def _checked(connection: DuckDBPyConnection, sql: str, kind: str) -> Iterator[Fault]:
    """What can be told of a query without a single record."""
    bound = _bound(connection, sql)
    yield from bound if isinstance(bound, list) else Columns.of(bound).faults(kind)


def _bound(connection: DuckDBPyConnection, sql: str) -> DuckDBPyRelation | list[Fault]:
    """A query with every name in it resolved, or why it is refused."""
    import duckdb

    try:
        if found := refusals(connection, sql):
            return found
        return connection.sql(sql)
    except duckdb.Error as error:
        return [_failed(error)]


def _rows(connection: DuckDBPyConnection, sql: str, kind: str) -> Fault | dict[str, Any]:
    import duckdb

    bound = _bound(connection, sql)
    if isinstance(bound, list):
        return bound[0]
    for fault in Columns.of(bound).faults(kind):
        return fault
    try:
        return answer(connection, bound, kind)
    except (duckdb.Error, MemoryError) as error:
        return _failed(error)


def _failed(error: Exception) -> Fault:
    """What DuckDB says of a query that it does not run, or not to its end."""
    import duckdb

    if isinstance(error, (duckdb.OutOfMemoryException, MemoryError)):
        return Fault("memory", "it needs more memory than it may use", "a query that needs less")
    said = str(error).split("\n\n")[0].replace("\n", "; ")
    if name := _hidden(error, said):
        what = f"it asks for {name!r}, and no metric may know which release it measures"
        return Fault("identity", what, "what the release did: any other column")
    code = "binding" if isinstance(error, (duckdb.BinderException, duckdb.CatalogException)) else ""
    return Fault(code or "failed", said, "a query that DuckDB runs to its end")


def _hidden(error: Exception, said: str) -> str:
    """The column that a query asks for and may not see; "" where it is something else."""
    import duckdb

    if not isinstance(error, duckdb.BinderException):
        return ""
    return next((name for name in HIDDEN if f'"{name}"' in said), "")
