"""Coalitions of changed components, and what each component is worth in them.

A coalition is the set of players that come from the candidate, the others coming from the
baseline; it is written as an integer whose bit i is player i. Whatever is said of a player is a
linear combination of the values of coalitions, so that everything has one form: weights.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from math import factorial
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

EXACT: Final = 4
"""Players up to which every coalition is evaluated."""
Weights = dict[int, float]
"""How much the value of each coalition counts; the values of others do not."""


@dataclass(frozen=True, slots=True)
class Design:
    """Which coalitions are evaluated.

    Attributes:
        orders: Orders in which the players join, where not every coalition is evaluated.
    """

    players: int
    orders: tuple[tuple[int, ...], ...] = ()
    coalitions: tuple[int, ...] = field(default=(), compare=False)

    @property
    def everyone(self) -> int:
        """The candidate itself."""
        return (1 << self.players) - 1


def design(players: int, seed: int) -> Design:
    """Every coalition of few players; of many, those that twice as many orders pass through.

    The orders are the rotations of one random order and their reverses, so that every player
    joins at every place twice. Their coalitions are the arcs of a circle, n(n-1) of them beside
    nobody and everybody, instead of 2^n; each alone and each left out are among them.
    """
    if players <= EXACT:
        return Design(players, (), tuple(range(1 << players)))
    circle = list(range(players))
    random.Random(f"attribution/{seed}").shuffle(circle)  # noqa: S311 - an order
    turned = [tuple(circle[start:] + circle[:start]) for start in circle]
    orders = tuple(one for order in turned for one in (order, order[::-1]))
    passed = {coalition for order in orders for coalition in _joining(order)}
    return Design(players, orders, tuple(sorted(passed)))


def _joining(order: Iterable[int]) -> Iterator[int]:
    """Nobody, and then the coalition after each of the players has joined."""
    coalition = 0
    yield coalition
    for player in order:
        coalition |= 1 << player
        yield coalition


def total(made: Design) -> Weights:
    """The whole change, from nobody to everybody."""
    return _sum([(made.everyone, 1.0), (0, -1.0)])


def shapley(made: Design, player: int) -> Weights:
    """What a player adds, averaged over the orders in which all may join.

    Shapley (1953), "A value for n-person games". Where orders were drawn, the average is over
    them (Castro et al. 2009, "Polynomial calculation of the Shapley value based on sampling").
    Either way the players' values add up to the whole change.
    """
    if made.orders:
        return _over_orders(made.orders, player)
    n, bit = made.players, 1 << player
    terms: list[tuple[int, float]] = []
    for without in (one for one in made.coalitions if not one & bit):
        size = without.bit_count()
        weight = factorial(size) * factorial(n - size - 1) / factorial(n)
        terms += [(without | bit, weight), (without, -weight)]
    return _sum(terms)


def draws(made: Design, player: int) -> tuple[Weights, ...]:
    """What a player adds by each order that was drawn, averaged with its reverse; else nothing.

    They differ only where three or more players act together: what two do is shared equally between
    an order and its reverse. So their spread says how much another draw of orders could differ.
    """
    pairs_ = zip(made.orders[::2], made.orders[1::2], strict=True)
    return tuple(_over_orders(two, player) for two in pairs_)


def _over_orders(orders: Sequence[tuple[int, ...]], player: int) -> Weights:
    share, bit = 1 / len(orders), 1 << player
    steps = (step for order in orders for step in pairwise(_joining(order)))
    return _sum(
        (coalition, sign * share)
        for before, after in steps
        if after ^ before == bit
        for coalition, sign in ((after, 1.0), (before, -1.0))
    )


def expected(made: Design, coalition: int) -> Weights:
    """The value of a coalition, were there no interactions: nobody's, and its players' own."""
    members = [player for player in range(made.players) if coalition >> player & 1]
    return _sum([(0, 1.0), *(term for one in members for term in shapley(made, one).items())])


def alone(made: Design, player: int) -> Weights:  # noqa: ARG001 - one form for all
    """What a player moves when it alone is added to the baseline."""
    return _sum([(1 << player, 1.0), (0, -1.0)])


def last(made: Design, player: int) -> Weights:
    """What a player moves when it joins all others: what taking it back would undo."""
    return _sum([(made.everyone, 1.0), (made.everyone & ~(1 << player), -1.0)])


def pairs(made: Design) -> tuple[tuple[int, int], ...]:
    """Pairs of players whose interaction can be told; none where orders were drawn."""
    return () if made.orders else tuple(combinations(range(made.players), 2))


def interaction(made: Design, first: int, second: int) -> Weights:
    """How much more two players move together than each by itself, averaged over the others.

    The Shapley interaction index: Grabisch and Roubens (1999), "An axiomatic approach to the
    concept of interaction among players in cooperative games".
    """
    n, bits = made.players, (1 << first, 1 << second)
    terms: list[tuple[int, float]] = []
    for without in (one for one in made.coalitions if not one & (bits[0] | bits[1])):
        size = without.bit_count()
        weight = factorial(size) * factorial(n - size - 2) / factorial(n - 1)
        both = without | bits[0] | bits[1]
        terms += [(both, weight), (without, weight)]
        terms += [(without | bit, -weight) for bit in bits]
    return _sum(terms)


def _sum(terms: Iterable[tuple[int, float]]) -> Weights:
    found: Weights = {}
    for coalition, weight in terms:
        found[coalition] = found.get(coalition, 0.0) + weight
    return found
