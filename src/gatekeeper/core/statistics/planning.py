"""What a number of pairs would show, before there is one."""

from __future__ import annotations

import math


def power_of_difference(
    pairs: int, truth: float, limit: float, discordant: float, alpha: float
) -> float:
    """Chance that pairs show a difference of shares to be below `limit`, if it is `truth`.

    By the normal approximation of Connor (1987), Biometrics 43:207-211, with the variance of a
    paired difference, `discordant - truth ** 2`, and half a pair for continuity.

    Args:
        pairs: Samples that both answer.
        truth: The difference, such as 0.05 for a drop of 5 points.
        limit: What has to be excluded.
        discordant: Share of pairs that come out otherwise; at least the size of `truth`.
        alpha: Of the one-sided bound.
    """
    from scipy.special import ndtr, ndtri

    spread = math.sqrt(max(discordant - truth * truth, 1e-12) / pairs)
    at_limit = math.sqrt(max(discordant - limit * limit, 1e-12) / pairs)
    room = limit - truth - 0.5 / pairs
    return float(ndtr((room - float(ndtri(1 - alpha)) * at_limit) / spread))
