"""Values that an axis is labelled with: round ones, and no more than there is room for."""

from __future__ import annotations

import math
from typing import Final

_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round values from `low` to `high`, at most `most` of them and at least one."""
    rough = (high - low) / max(most - 1, 1)
    if not rough > 0:
        return [low]
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(one * magnitude for one in _STEPS if one * magnitude >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    found = [place * step for place in range(first, last + 1)]
    return found[:most] or [low]
