"""Metrics that read declared facts: the formulas of value governance, worked out by hand."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from builders_metrics import call, fate, measured, observe, request
from builders_metrics import declared_facts as facts
from builders_runs import BASELINE, CANDIDATE
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.core.observation import Declared, Missing, Sums

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.model.facts import Facts
    from gatekeeper.model.record import Row


def rows(release: str = CANDIDATE, **changes: Any) -> list[Row]:
    """Two tasks of 100 and 300 nano-USD, of which the first succeeded: 7 + 2 + 3 tokens each."""
    made: list[Row] = []
    for sample, resolved, nano_usd in (("a", True, 100), ("b", False, 300)):
        asked = request(sample, release, suite="agent", **changes)
        made += [asked, fate(asked, resolved=resolved), call(asked, nano_usd=nano_usd)]
    return made


def ratio(found: Any, metric: str) -> float:
    assert isinstance(found, Sums)
    return float(Fraction(found.totals[0], found.totals[1])) * METRICS[metric].scale


CASES: dict[str, tuple[Facts, float]] = {
    "cost_per_successful_agent_task": (
        facts(infrastructure_usd=0.000001, escalation_usd=0.000002),
        3.4e-6,
    ),
    "cost_per_verified_change": (
        facts(
            infrastructure_usd=100,
            retrieval_usd=20,
            review_hours=3,
            review_usd_per_hour=60,
            incident_usd=40.5,
            rework_usd=9.5,
            verified_changes=7,
        ),
        (350 + 4e-7) / 7,
    ),
    "energy_per_request": (facts(energy_joule_per_token=3), 12 * 3 / 3600),
    "carbon_per_request": (
        facts(energy_joule_per_token=3, grid_gco2e_per_kwh=400, embodied_gco2e_per_request=0.001),
        12 * 3 / 3.6e6 * 400 + 0.001,
    ),
}


@pytest.mark.parametrize("metric", CASES)
def test_records_and_facts_add_up_exactly(tmp_path: Path, metric: str) -> None:
    given, expected = CASES[metric]
    found = observe(tmp_path, metric, rows(), facts=given)
    assert ratio(found, metric) == pytest.approx(expected, rel=1e-12)


def test_energy_may_be_declared_by_the_request(tmp_path: Path) -> None:
    given = facts(kwh_per_request=0.002, grid_gco2e_per_kwh=400, embodied_gco2e_per_request=0.5)
    run = measured(tmp_path, rows(), facts=given)
    energy = run.observe(METRICS["energy_per_request"], paired=False)
    assert ratio(energy, "energy_per_request") == 2.0
    carbon = run.observe(METRICS["carbon_per_request"], paired=False)
    assert ratio(carbon, "carbon_per_request") == 1.3


def test_facts_alone_are_a_value_between_its_ends(tmp_path: Path) -> None:
    given = facts(
        review_hours=(8, 10, 12),
        rework_hours=5,
        remediation_hours=(1, 1, 2),
        delivery_hours=(80, 100, 100),
        failure_usd=(900, 1000, 1100),
        baseline_failure_usd=(700, 800, 850),
    )
    run = measured(tmp_path, [], facts=given)
    tax = run.observe(METRICS["verification_tax_ratio"], paired=False)
    assert tax == Declared(0.16, 0.14, 19 / 80)
    assert run.observe(METRICS["instability_tax"], paired=False) == Declared(200.0, 50.0, 400.0)


@pytest.mark.parametrize("metric", [one for one in METRICS.values() if one.formulas])
def test_absent_facts_are_named_and_never_zero(tmp_path: Path, metric: Any) -> None:
    for number, given in enumerate((None, facts(rework_usd=1))):
        found = observe(tmp_path / str(number), metric.name, rows(), facts=given)
        assert isinstance(found, Missing)
        assert found.code == "facts_absent"
        assert metric.facts[0] in found.reason
        assert "rework_usd" not in found.reason or given is None


def test_nothing_is_divided_by_no_change(tmp_path: Path) -> None:
    names = METRICS["cost_per_verified_change"].facts
    given = facts(**dict.fromkeys(names, 1.0) | {"verified_changes": 0.0})
    found = observe(tmp_path, "cost_per_verified_change", rows(), facts=given)
    assert isinstance(found, Missing)
    assert found.code == "no_denominator"


def test_what_was_declared_adds_nothing_to_the_spread(tmp_path: Path) -> None:
    """The interval is that of the records' part, moved by the facts."""
    name = "cost_per_verified_change"
    given = facts(**dict.fromkeys(METRICS[name].facts, 0.0) | {"verified_changes": 2.0})
    more = facts(**dict.fromkeys(METRICS[name].facts, 0.0) | {
        "verified_changes": 2.0, "rework_usd": 1e-6
    })  # fmt: skip
    sums: list[Any] = [
        observe(tmp_path / str(number), name, rows(), facts=one)
        for number, one in enumerate((given, more))
    ]
    spreads = []
    for one in sums:
        y, n = Fraction(one.totals[0]), one.n
        scale = Fraction(one.totals[1])
        spreads.append((one.products[0][0] - y * y / n) / scale**2)
    assert spreads[0] == spreads[1]


def test_facts_bear_on_groups_as_on_units_and_on_both_sides(tmp_path: Path) -> None:
    given, _ = CASES["cost_per_successful_agent_task"]
    run = measured(tmp_path, rows() + rows(BASELINE), BASELINE, given)
    metric = METRICS["cost_per_successful_agent_task"]
    found: Any = run.observe(metric, paired=True)
    assert Fraction(found.totals[0], found.totals[1]) == 3400
    assert Fraction(found.totals[2], found.totals[3]) == 3400
    totals = found.groups.sum(axis=0)
    assert totals[0] / totals[1] == pytest.approx(3400, rel=1e-9)


def test_a_slice_bears_its_share_of_the_facts(tmp_path: Path) -> None:
    given, _ = CASES["cost_per_successful_agent_task"]
    told = [*rows(tags=("team=x",)), *rows(tags=("team=x",), replicate=1)]
    lone = request("z", suite="agent", tags=("team=y",))
    told += [lone, fate(lone, resolved=True), call(lone, nano_usd=500)]
    run = measured(tmp_path, told, facts=given)
    metric = METRICS["cost_per_successful_agent_task"]
    parts: Any = run.slices(metric, "team", paired=False)
    assert Fraction(parts["y"].totals[0], parts["y"].totals[1]) == 500 + Fraction(3000, 5)
    assert Fraction(parts["x"].totals[0], parts["x"].totals[1]) == 400 + Fraction(2400, 2)
