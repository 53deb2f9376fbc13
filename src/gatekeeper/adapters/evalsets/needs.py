"""Whether a sample gives its set's scorers anything to score."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.core.scoring.panel import Called
    from gatekeeper.model.evalset import Sample


def scorable(scorers: Sequence[Called], sample: Sample) -> bool:
    """Whether the sample holds what at least one scorer needs, if there are any."""
    return not scorers or any(one.scorer.fits(sample) for one in scorers)
