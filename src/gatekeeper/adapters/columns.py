"""The four tables as DuckDB sees them: column types come from the row types, not the data."""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Union, get_args, get_origin

from gatekeeper.model.record import CallRow, OutcomeRow, RequestRow, ScoreRow

if TYPE_CHECKING:
    from gatekeeper.model.base import Frozen

_SQL: Final = {str: "VARCHAR", int: "BIGINT", bool: "BOOLEAN", float: "DOUBLE"}


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Attributes:
        columns: Names to SQL types.
        required: Columns that are never null.
    """

    name: str
    row: type[Frozen]
    columns: dict[str, str]
    required: tuple[str, ...]

    @property
    def struct(self) -> str:
        """SQL type of its rows as they are written: a list of structs."""
        fields = ", ".join(f"{name} {kind}" for name, kind in self.columns.items())
        return f"STRUCT({fields})[]"

    @property
    def sealed(self) -> str:
        """File name once the run is over."""
        return f"{self.name}.parquet"


def _table(name: str, row: type[Frozen]) -> Table:
    hints = {key: field.annotation for key, field in row.model_fields.items()}
    columns = {key: _sql_type(hint) for key, hint in hints.items()}
    required = tuple(key for key, hint in hints.items() if type(None) not in get_args(hint))
    return Table(name, row, columns, required)


def _sql_type(hint: Any) -> str:
    if get_origin(hint) in {Union, types.UnionType}:
        (hint,) = (part for part in get_args(hint) if part is not type(None))
    if get_origin(hint) is Literal:
        return "VARCHAR"
    if get_origin(hint) is tuple:
        return f"{_sql_type(get_args(hint)[0])}[]"
    return _SQL[hint]


TABLES: Final = (
    _table("requests", RequestRow),
    _table("calls", CallRow),
    _table("scores", ScoreRow),
    _table("outcomes", OutcomeRow),
)
