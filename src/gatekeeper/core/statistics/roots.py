"""Where a function crosses zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

NEAR: Final = 1e-14
_STEPS: Final = 200


def crossing(
    function: Callable[[float], float], low: float, high: float, near: float = NEAR
) -> float:
    """Where `function` crosses zero between two places; the second if it never does.

    Inverse quadratic interpolation where it can be trusted, and halving where it cannot:
    Chandrupatla (1997), Advances in Engineering Software 28:145-149.
    """
    a, b = low, high
    at_a, at_b = function(a), function(b)
    if (at_a > 0) == (at_b > 0):
        return high
    portion = 0.5
    for _ in range(_STEPS):
        x = a + portion * (b - a)
        at_x = function(x)
        if (at_x > 0) == (at_a > 0):
            c, at_c = a, at_a
        else:
            c, b, at_c, at_b = b, a, at_b, at_a
        a, at_a = x, at_x
        best, at_best = (a, at_a) if abs(at_a) < abs(at_b) else (b, at_b)
        least = near / abs(b - c)
        if at_best == 0 or least >= 1 / 2:
            break
        portion = _portion((a, b, c), (at_a, at_b, at_c))
        portion = min(max(portion, least), 1 - least)
    return best


def _portion(x: tuple[float, float, float], y: tuple[float, float, float]) -> float:
    """How far from the first place to the second to look next."""
    (a, b, c), (at_a, at_b, at_c) = x, y
    along, across = (a - b) / (c - b), (at_a - at_b) / (at_c - at_b)
    if across * across >= along or (1 - across) ** 2 >= 1 - along:
        return 0.5
    return at_a / (at_b - at_a) * at_c / (at_b - at_c) + (c - a) / (b - a) * at_a / (
        at_c - at_a
    ) * at_b / (at_c - at_b)
