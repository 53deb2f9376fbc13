"""How declared facts enter a metric: sums of products, in exact arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, Final

from gatekeeper.core.observation import Declared, Missing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy import int64
    from numpy.typing import NDArray

    from gatekeeper.core.observation import Sums
    from gatekeeper.model.facts import Facts

_BITS: Final = 52
"""Of the largest group total: sums over groups stay within 64 bits."""


@dataclass(frozen=True, slots=True)
class Formula:
    """The value is (`times` * y + `each` * d + `add`) / (d + `over`).

    Here y and d are sums over records. Each part is a sum of products of names of facts, such as
    ``escalation_usd + review_hours * review_usd_per_hour``, and may divide by numbers; a part that
    is empty is 0, and `times` is then 1. Where `over` is given, it stands in the place of d.

    Attributes:
        money: Whether `add` is in USD while y is in nano-USD.
    """

    times: str = ""
    each: str = ""
    add: str = ""
    over: str = ""
    money: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The facts that it needs, as they come."""
        parts = (self.times, self.each, self.add, self.over)
        found = (name for part in parts for _, names in _terms(part) for name in names)
        return tuple(dict.fromkeys(name for name in found if not _is_number(name)))

    def text(self, *, records: bool = True) -> str:
        """As people write it, with or without the sums over records."""
        own = {"": "y", "0": ""}.get(self.times, f"{self.times} * y") if records else ""
        top = " + ".join(filter(None, (own, self.add)))
        bottom = self.over or ("d" if records else "")
        share = f"({top})" if top and bottom and " " in top else top
        whole = f"{share} / {bottom}" if top and bottom else top
        return " + ".join(filter(None, (whole, self.each)))


@dataclass(frozen=True, slots=True)
class Blend:
    """A formula with its facts: (`times` * y + `each` * d + `add`) / (`over`, or d where None).

    Attributes:
        names: The facts in it.
    """

    times: float
    each: float
    add: float
    over: float | None
    names: tuple[str, ...] = ()


def blend(formula: Formula, facts: Facts, share: Fraction = Fraction(1)) -> Blend | Missing:
    """What a formula comes to: what belongs to no record is multiplied by `share`."""
    values = {name: Fraction(str(value)) for name, value in facts.values.items()}
    unit = Fraction(10**9) if formula.money else Fraction(1)
    times = _sum(formula.times, values, values) if formula.times else Fraction(1)
    each, add = (_sum(part, values, values) * unit for part in (formula.each, formula.add))
    over = _sum(formula.over, values, values) * share
    if formula.over and over <= 0:
        return Missing("no_denominator", f"{formula.over} is 0", "facts in which it is not")
    bottom = float(over) if formula.over else None
    return Blend(float(times), float(each), float(add * share), bottom, formula.names)


def absent(formulas: Sequence[Formula], facts: Facts | None) -> Missing | None:
    """Why none of the formulas can be used, or None where one can."""
    known = set() if facts is None else set(facts.values)
    lacking = [[name for name in one.names if name not in known] for one in formulas]
    if not lacking or not all(lacking):
        return None
    ways = " or ".join(", ".join(names) for names in lacking)
    return Missing("facts_absent", f"no declared facts say {ways}", f"declare {ways} in the facts")


def chosen(formulas: Sequence[Formula], facts: Facts) -> Formula | None:
    """The first formula whose facts are all there."""
    return next((one for one in formulas if set(one.names) <= set(facts.values)), None)


def declared(formula: Formula, facts: Facts) -> Declared | Missing:
    """The value of facts alone, and the ends of what their own bounds allow."""
    ends = [
        {name: Fraction(str(end)) for name, end in bounds.items()}
        for bounds in (facts.values, facts.lows, facts.highs)
    ]
    value, low, high = ends
    below = [_sum(formula.over, low, high), _sum(formula.over, high, low), Fraction(1)]
    if formula.over and min(below[:2]) <= 0:
        return Missing("no_denominator", f"{formula.over} is 0", "facts in which it is not")
    least, most = below[:2] if formula.over else (Fraction(1), Fraction(1))
    middle = _sum(formula.over, value, value) if formula.over else Fraction(1)
    bottom, top = _sum(formula.add, low, high), _sum(formula.add, high, low)
    ends_of = [bottom / least, bottom / most, top / least, top / most]
    exact = _sum(formula.add, value, value) / middle
    return Declared(float(exact), float(min(ends_of)), float(max(ends_of)))


def blended(
    sums: Sums, formula: Formula, facts: Facts, share: Fraction = Fraction(1)
) -> Sums | Missing:
    """Sums of which each unit holds its part of the facts, so that totals are exact.

    Args:
        sums: Of the records.
        formula: How the facts enter.
        facts: What was declared.
        share: How much of what belongs to no unit these units have to bear: a slice has its part.

    That is spread over them evenly; columns are multiplied by what makes them integers, which
    cancels in their ratio.
    """
    values = {name: Fraction(str(value)) for name, value in facts.values.items()}
    unit = Fraction(10**9) if formula.money else Fraction(1)
    times = _sum(formula.times, values, values) if formula.times else Fraction(1)
    each, add = (_sum(part, values, values) * unit for part in (formula.each, formula.add))
    add, over = add * share, _sum(formula.over, values, values) * share
    if sums.n == 0:
        return sums
    if formula.over and over <= 0:
        return Missing("no_denominator", f"{formula.over} is 0", "facts in which it is not")
    own = Fraction(0 if formula.over else 1)

    def with_facts(some: Sums) -> Sums:
        """The sums with the facts shared out among their units."""
        shared = over / some.n if formula.over else Fraction(0)
        return _transformed(some, ((times, each, add / some.n), (Fraction(0), own, shared)))

    alone, high, low = (
        None if some is None else with_facts(some) for some in (sums.alone, sums.high, sums.low)
    )
    return replace(with_facts(sums), alone=alone, high=high, low=low)


_Row = tuple[Fraction, Fraction, Fraction]


def _transformed(sums: Sums, matrix: tuple[_Row, _Row]) -> Sums:
    """The sums of y' = a y + b d + c and d' = e d + f, on each side, as integers."""
    factor = lcm(*(part.denominator for line in matrix for part in line))
    rows = [
        (side, int(a * factor), int(b * factor), int(c * factor))
        for side in range(0, len(sums.totals), 2)
        for a, b, c in matrix
    ]
    totals = tuple(a * sums.totals[s] + b * sums.totals[s + 1] + c * sums.n for s, a, b, c in rows)
    products = tuple(tuple(_product(sums, left, right) for right in rows) for left in rows)
    shares = None if sums.groups is None else _shared(sums.groups, sums.n, matrix)
    return replace(sums, totals=totals, products=products, groups=shares)


def _shared(groups: NDArray[int64], n: int, matrix: tuple[_Row, _Row]) -> NDArray[int64]:
    """Group totals of the new columns, every group with the same share of what is fixed."""
    import numpy as np

    count, width = groups.shape
    table = [
        [
            a * int(line[side]) + b * int(line[side + 1]) + c * n / count
            for side in range(0, width, 2)
            for a, b, c in matrix
        ]
        for line in groups.tolist()
    ]
    most = max((abs(value) for line in table for value in line), default=Fraction(0)) or Fraction(1)
    factor = Fraction(2) ** (_BITS - (most.numerator // most.denominator).bit_length())
    return np.array([[round(value * factor) for value in line] for line in table], dtype=np.int64)


def _product(sums: Sums, left: tuple[int, int, int, int], right: tuple[int, int, int, int]) -> int:
    """The sum over units of the product of two linear forms in the columns."""
    s, a, b, c = left
    t, d, e, f = right
    squares = (
        a * d * sums.products[s][t]
        + a * e * sums.products[s][t + 1]
        + b * d * sums.products[s + 1][t]
        + b * e * sums.products[s + 1][t + 1]
    )
    singles = f * (a * sums.totals[s] + b * sums.totals[s + 1])
    singles += c * (d * sums.totals[t] + e * sums.totals[t + 1])
    return squares + singles + c * f * sums.n


def _sum(part: str, plus: Mapping[str, Fraction], minus: Mapping[str, Fraction]) -> Fraction:
    """The value of a sum of products; terms that are taken away take their values of `minus`."""
    total = Fraction(0)
    for sign, names in _terms(part):
        product, values = Fraction(sign), plus if sign > 0 else minus
        for name in names:
            product *= Fraction(name) if _is_number(name) else values[name]
        total += product
    return total


def _terms(part: str) -> list[tuple[int, list[str]]]:
    """``a * b - c`` as [(1, [a, b]), (-1, [c])]."""
    found = []
    for term in filter(None, part.replace("-", "+-").split("+")):
        sign = -1 if term.strip().startswith("-") else 1
        found.append((sign, [name.strip(" -") for name in term.replace(" / ", " * 1/").split("*")]))
    return found


def _is_number(name: str) -> bool:
    return name[0].isdigit()
