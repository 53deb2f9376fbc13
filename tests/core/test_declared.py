"""Declared facts: certain, whatever the confidence."""

from __future__ import annotations

from gatekeeper.core.observation import Declared
from gatekeeper.core.statistics.declared import declared


def test_bounds_are_what_the_facts_allow() -> None:
    found = declared(Declared(2.0, 1.5, 3.0))
    assert found.bounds(0.05) == found.bounds(1e-9) == (1.5, 3.0)
    assert (found.n, found.candidate, found.needed(2.5, 0.05)) == (0, None, None)


def test_a_limit_inside_what_the_facts_allow_is_not_shown() -> None:
    found = declared(Declared(2.0, 1.5, 3.0, baseline=1.0))
    assert (found.p(3.0, "below"), found.p(2.9, "below")) == (0.0, 1.0)
    assert (found.p(1.5, "above"), found.p(1.6, "above")) == (0.0, 1.0)
    assert found.detectable(4.0, "below", 0.05) == 3.0
    assert found.detectable(1.0, "above", 0.05) == 1.5
    assert (found.candidate, found.baseline) == (2.0, 1.0)
