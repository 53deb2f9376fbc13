"""Scorers from eval sets: found by name, their settings checked, ready for use."""

from gatekeeper.adapters.scorers.checking import check_scorers
from gatekeeper.adapters.scorers.opening import open_scoring

__all__ = ["check_scorers", "open_scoring"]
