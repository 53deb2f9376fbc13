"""The scorers of a set, ready, for tests of what happens around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.core.scoring.plain import panel

if TYPE_CHECKING:
    from gatekeeper.core.scoring.panel import Scoring
    from gatekeeper.model.evalset import EvalSet


def scoring_of(header: EvalSet) -> Scoring:
    """Built-in scorers that ask nobody."""
    return panel(header.scorers or ())
