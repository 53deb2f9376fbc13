"""What a query has to give back, told before it is run: names and types of its columns.

One row a sample: `sample`, the numerator `y`, and optionally the denominator `d`, the `suite` where
samples of several suites have the same name, and the `replicate` where each has a row of its own.
A decimal with s places becomes a multiple of 10^-s, without rounding; a floating-point number
becomes a multiple of 10^-6, rounded. `y` and `d` are multiples of the same, so that nothing about
their ratio changes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatekeeper.adapters.sandbox.statement import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from duckdb import DuckDBPyRelation

OPTIONAL: Final = {"d": "1", "suite": "NULL::VARCHAR", "replicate": "-1"}
"""Columns that may be left out, and what they are then."""
FLOAT_DIGITS: Final = 6
MOST_DIGITS: Final = 12
FLOATS: Final = frozenset({"FLOAT", "DOUBLE"})
_ACCEPTED: Final = "the columns sample and y, and optionally d, suite and replicate"
_WHOLE: Final = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|BOOLEAN")
_DECIMAL: Final = re.compile(r"DECIMAL\(\d+,\s*(\d+)\)")


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that a query gives.

    Attributes:
        kinds: Names to SQL types.
    """

    kinds: Mapping[str, str]

    @classmethod
    def of(cls, relation: DuckDBPyRelation) -> Columns:
        """Those of a query that was bound and not run."""
        names = [name.lower() for name in relation.columns]
        return cls(dict(zip(names, map(str, relation.types), strict=True)))

    @property
    def places(self) -> int:
        """Decimal places that y and d have as whole numbers."""
        return max(self._digits("y"), self._digits("d"))

    def _digits(self, name: str) -> int:
        kind = self.kinds.get(name, "INTEGER")
        if found := _DECIMAL.fullmatch(kind):
            return int(found[1])
        return FLOAT_DIGITS if kind in FLOATS else 0

    def plain(self, name: str) -> str:
        """SQL of a column as it is kept: what is true or false becomes 1 or 0."""
        if name not in self.kinds:
            return f"{OPTIONAL[name]} AS {name}"
        return f"{name}::TINYINT AS {name}" if self.kinds[name] == "BOOLEAN" else name

    def whole(self, name: str) -> str:
        """SQL of y or d as a whole number."""
        kind = self.kinds.get(name, "INTEGER")
        if kind in FLOATS:
            whole = f"round({name} * 1e{FLOAT_DIGITS})::HUGEINT"
        elif _DECIMAL.fullmatch(kind):
            whole = f"replace({name}::VARCHAR, '.', '')::HUGEINT"
        else:
            whole = f"{name}::HUGEINT"
        return f"{whole} * {10 ** (self.places - self._digits(name))}"

    def faults(self, kind: str) -> Iterator[Fault]:
        """What keeps a query with these columns from being a metric of a kind."""
        yield from self._shape()
        if "d" in self.kinds and kind != "ratio":
            yield Fault("columns", f"it gives a column 'd', and a {kind} has none", "kind: ratio")
        if kind == "quantile" and self.places:
            message = f"its column 'y' is {self.kinds['y']}, and a quantile is of whole numbers"
            yield Fault("type", message, "round(…)::BIGINT, in a smaller unit, and a `scale`")

    def _shape(self) -> Iterator[Fault]:
        for name in ("sample", "y"):
            if name not in self.kinds:
                yield Fault("columns", f"it gives no column {name!r}", _ACCEPTED)
        for name, kind in self.kinds.items():
            if name not in {"sample", "y", *OPTIONAL}:
                yield Fault("columns", f"it gives a column {name!r} too", _ACCEPTED)
            elif name in {"sample", "suite"}:
                if kind != "VARCHAR":
                    yield Fault("type", f"its column {name!r} is {kind}, no text", "VARCHAR")
            elif not self._number(name):
                yield Fault("type", f"its column {name!r} is {kind}, no number", _accepted(name))

    def _number(self, name: str) -> bool:
        kind = self.kinds[name]
        if _WHOLE.fullmatch(kind):
            return True
        exact = _DECIMAL.fullmatch(kind) is not None and self._digits(name) <= MOST_DIGITS
        return name != "replicate" and (exact or kind in FLOATS)


def _accepted(name: str) -> str:
    if name == "replicate":
        return "a whole number"
    return f"a whole number, a DECIMAL with at most {MOST_DIGITS} places, or a DOUBLE"
