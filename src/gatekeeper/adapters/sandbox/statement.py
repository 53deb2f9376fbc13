"""What a query may be made of: one SELECT over the views, and nothing whose value ever changes.

DuckDB parses it and tells what it found as a tree; everything in the tree that is not known to be
harmless is refused. This is the first of several walls, and the one that can say what is wrong.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

VIEWS: Final = ("requests", "calls", "scores", "outcomes", "facts")
HIDDEN: Final = ("release", "arm", "serial")
"""Columns of requests that name the release, or the side that it is on: no query sees them."""
TABLE_FUNCTIONS: Final = frozenset({"unnest", "range", "generate_series"})
_QUERIES: Final = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
_SOURCES: Final = frozenset(
    {"BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY"}
)
_OF_THE_MOMENT: Final = {
    *("now", "today", "age", "ago", "localtime", "localtimestamp", "transaction_timestamp"),
    *("get_current_time", "get_current_timestamp", "txid_current", "getvariable", "setseed"),
    *("user", "session_user", "in_search_path"),
}
"""Functions of the moment or the session that DuckDB does not call volatile."""
_OF_THE_SYSTEM: Final = ("current_", "has_", "inet_", "pg_")
_NOWHERE: Final = 1 << 63
_CHANGING: Final = (
    "SELECT DISTINCT function_name FROM duckdb_functions() WHERE stability='VOLATILE'"
)


class Fault(NamedTuple):
    """One reason why a query is refused, or why its answer is of no use.

    Attributes:
        code: The same, for programs.
    """

    code: str
    message: str
    accepted: str = ""


@dataclass(frozen=True, slots=True)
class _Tree:
    sql: str
    root: Any
    volatile: frozenset[str]
    ctes: frozenset[str]


def refusals(connection: DuckDBPyConnection, sql: str) -> list[Fault]:
    """Why a query is not one that a metric may be: as many reasons as can be told at once."""
    import duckdb

    accepted = "one SELECT"
    try:
        statements = connection.extract_statements(sql)
    except duckdb.ParserException:
        return [_unread(_parsed(connection, sql), sql)]
    if len(statements) != 1:
        found = f"it is {len(statements)} statements" if statements else "it holds no statement"
        return [Fault("statements", found, accepted)]
    if statements[0].type != duckdb.StatementType.SELECT:
        return [Fault("not_select", f"it is {_named(statements[0].type)}, no SELECT", accepted)]
    parsed = _parsed(connection, sql)
    if parsed.get("error"):
        return [_unread(parsed, sql)]
    volatile = frozenset(row[0] for row in connection.execute(_CHANGING).fetchall())
    root = parsed["statements"]
    tree = _Tree(sql, root, volatile, frozenset(_ctes(root)))
    return list(dict.fromkeys(fault for node in _nodes(root) for fault in _faults(tree, node)))


def place(sql: str, offset: int) -> str:
    """Where in a query something stands, for people."""
    if not 0 <= offset <= len(sql):
        return ""
    before = sql[:offset]
    return f"line {before.count(chr(10)) + 1}, column {offset - before.rfind(chr(10))}: "


def _named(kind: Any) -> str:
    return str(kind).rpartition(".")[2]


def _parsed(connection: DuckDBPyConnection, sql: str) -> Any:
    found = connection.execute("SELECT json_serialize_sql($1::VARCHAR)", [sql]).fetchall()
    return json.loads(found[0][0])


def _unread(parsed: Any, sql: str) -> Fault:
    where = place(sql, int(parsed.get("position", -1)))
    message = parsed.get("error_message", "it cannot be parsed")
    return Fault("syntax", f"{where}{message}", "one SELECT in the SQL of DuckDB")


def _nodes(part: Any) -> Iterator[dict[str, Any]]:
    """Every object of a tree; by a list of what is left, since trees can be deep."""
    left = [part]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            yield part
            left += reversed(part.values())
        elif isinstance(part, list):
            left += reversed(part)


def _ctes(root: Any) -> Iterator[str]:
    """Names that the query gives to parts of itself."""
    for node in _nodes(root):
        value = node.get("value")
        if isinstance(value, dict) and "query_node" in value:
            yield str(node.get("key")).lower()


def _faults(tree: _Tree, node: dict[str, Any]) -> Iterator[Fault]:
    kind, family = node.get("type"), node.get("class")
    at = place(tree.sql, node.get("query_location", _NOWHERE))
    if family == "FUNCTION":
        yield from _function(tree, str(node.get("function_name", "")).lower(), at)
    elif family == "COLUMN_REF":
        yield from _column(node.get("column_names", ()), at)
    elif family == "PARAMETER":
        yield Fault("parameter", f"{at}it has a parameter", "a query that is complete")
    elif isinstance(kind, str) and family is None:
        yield from _part(tree, node, kind, at)


def _part(tree: _Tree, node: dict[str, Any], kind: str, at: str) -> Iterator[Fault]:
    """A query within the query, or what one selects from."""
    if isinstance(node.get("sample"), dict):
        yield Fault("changing", f"{at}a sample of rows is another one each time", "all rows")
    if kind.endswith("_NODE"):
        if kind not in _QUERIES:
            what = kind.removesuffix("_NODE").replace("_QUERY", "")
            yield Fault("not_select", f"{at}it holds {what}, which is no SELECT", "one SELECT")
    elif "alias" in node and "sample" in node:
        if kind not in _SOURCES:
            what = kind.removesuffix("_REF")
            yield Fault("unsupported", f"{at}{what} is no part of a metric", "a SELECT from views")
        elif kind == "TABLE_FUNCTION":
            name = str(node.get("function", {}).get("function_name", "")).lower()
            if name not in TABLE_FUNCTIONS:
                yield _outside(f"{at}{name}() reads something other than the records")
        elif kind == "BASE_TABLE":
            yield from _table(tree, node, at)


def _outside(message: str) -> Fault:
    return Fault("outside", message, f"a view: {', '.join(VIEWS)}")


def _table(tree: _Tree, node: dict[str, Any], at: str) -> Iterator[Fault]:
    parts = (node.get("catalog_name"), node.get("schema_name"), node.get("table_name"))
    name = ".".join(str(part) for part in parts if part)
    if name.lower() not in tree.ctes.union(VIEWS):
        yield _outside(f"{at}there is no view {name!r}")


def _function(tree: _Tree, name: str, at: str) -> Iterator[Fault]:
    if name in tree.volatile or name in _OF_THE_MOMENT or name.startswith(_OF_THE_SYSTEM):
        yield _changing(f"{at}{name}() is of the moment or of the system")


def _column(names: Any, at: str) -> Iterator[Fault]:
    """``current_date`` looks like a column and is a function."""
    name = str(names[0]).lower() if len(names) == 1 else ""
    if name in _OF_THE_MOMENT or name.startswith("current_"):
        yield _changing(f"{at}{name} is of the moment or of the system")


def _changing(message: str) -> Fault:
    return Fault("changing", message, "what the records alone decide: the same bytes every time")
