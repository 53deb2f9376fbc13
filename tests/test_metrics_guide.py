"""The guide to metrics is made of the library, and its examples are worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper.core.metrics.catalogue import METRICS
from metrics_guide import EXAMPLES, guide, worked

GUIDE = Path(__file__).parents[1] / "docs/metrics.md"
BY_HAND = {
    "tokens_per_verified_outcome": 640,
    "cost_per_verified_change": (84 + 1200 + 150 + 120 * 65 + 2400 + 900) / 42,
    "verification_tax_ratio": 180 / 900,
    "cost_per_successful_agent_task": (35 + 60 + 325) / 420,
    "input_token_share": 0.375,
    "instability_tax": 1100,
    "saved_prefill_value": 9_000_000 * 0.30 / 1e6 / 12_000,
    "energy_per_request": 500 * 0.9 / 3600,
    "carbon_per_request": 500 * 0.9 / 3.6e6 * 350 + 0.02,
}


def test_the_guide_says_what_the_library_says(golden) -> None:
    golden(GUIDE, guide())


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_right(name: str) -> None:
    assert worked(METRICS[name]) == pytest.approx(BY_HAND[name], rel=1e-12)


def test_every_formula_has_an_example() -> None:
    assert {one.name for one in METRICS.values() if one.formulas} <= set(EXAMPLES)
    assert set(EXAMPLES) == set(BY_HAND)
