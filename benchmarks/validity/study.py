"""What a study hands over: tables, and what in them is not as it is stated."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    Tails = tuple[NDArray[np.float64], NDArray[np.float64]]
    """p-values at the truth, of `below` and of `above`, one a draw."""
    Cell = Callable[[int, Generator], Tails]
    """Draws data of one kind, so many times."""

ALPHA = 0.05
SEED = 20261126
SIGMAS = 3.0
"""Monte-Carlo errors by which a rate may exceed what is stated."""


@dataclass(frozen=True)
class Table:
    """A table of the documentation.

    Attributes:
        name: Of its place there.
        columns: Headings.
        rows: As they are printed.
        broken: What exceeds what is stated by more than chance explains.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    broken: tuple[str, ...] = ()

    def markdown(self) -> str:
        """The table; every column but the first is right-aligned."""
        lines = [self.columns, ("---", *("---:" for _ in self.columns[1:])), *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


@dataclass(frozen=True)
class Rates:
    """How often rules and intervals are wrong at the truth, among some draws.

    Attributes:
        draws: How many.
        passes: Share of them in which a rule at its limit passes wrongly, on either side the worse.
        cover90: Share in which the interval of both one-sided bounds covers.
        cover95: Likewise for the two-sided interval at 95 %.
    """

    draws: int
    passes: float
    cover90: float
    cover95: float

    @classmethod
    def of(cls, tails: Tails, weights: NDArray[np.float64] | None = None) -> Rates:
        """From p-values, which agree with bounds: a bound misses where p is below alpha."""
        below, above = (np.nan_to_num(tail, nan=1.0) for tail in tails)

        def mean(hit: NDArray[np.bool_]) -> float:
            return float(hit.mean() if weights is None else weights[hit].sum())

        passes = max(mean(below <= ALPHA), mean(above <= ALPHA))
        covers = [mean((below > each) & (above > each)) for each in (ALPHA, ALPHA / 2)]
        return cls(len(below), passes, *covers)

    @property
    def error(self) -> float:
        """Monte-Carlo standard error of a rate of alpha."""
        return math.sqrt(ALPHA * (1 - ALPHA) / self.draws)

    def broken(self, name: str) -> tuple[str, ...]:
        """What is worse than stated, by more than chance explains."""
        allowed = ALPHA + SIGMAS * self.error
        return (f"{name}: passes wrongly {percent(self.passes)}",) if self.passes > allowed else ()


@dataclass(frozen=True)
class Survey:
    """Rates over many cells: of all, and of the worst, measured again with other draws."""

    cells: int
    mean: float
    worst: Rates
    where: str


def survey(cells: Mapping[str, Cell], draws: int) -> Survey:
    """Rates of every cell, then of the worst of them again.

    The worst of many is worst by chance too, so it is measured again with ten times the draws.
    """
    found = {name: Rates.of(cell(draws, random(name))) for name, cell in cells.items()}
    where = max(found, key=lambda name: found[name].passes)
    again = Rates.of(cells[where](10 * draws, random(f"again {where}")))
    mean = float(np.mean([rates.passes for rates in found.values()]))
    return Survey(len(cells), mean, again, where)


def random(name: str) -> Generator:
    """Random numbers that depend on nothing but the name."""
    return np.random.default_rng([SEED, zlib.crc32(name.encode())])


def tails(pairs: Iterable[tuple[float | None, float | None]]) -> Tails:
    """Arrays of p-values; one that does not exist shows nothing."""
    below, above = zip(*pairs, strict=True)
    return tuple(np.array([math.nan if p is None else p for p in side]) for side in (below, above))  # type: ignore[return-value]


def percent(share: float, digits: int = 1) -> str:
    """As it is printed."""
    return f"{100 * share:.{digits}f} %"


def joined(tables: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """All that is broken."""
    return tuple(line for lines in tables for line in lines)
