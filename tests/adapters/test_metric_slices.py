"""Parts of a run: by tag, by column, by nothing that there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builders_metrics import call, fate, measured, request
from builders_runs import BASELINE, CANDIDATE
from gatekeeper.adapters.metrics import slices
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.core.observation import Missing, PairedProportion, Proportion, Sums
from gatekeeper.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.adapters.metrics import RunMeasurements
    from gatekeeper.model.record import Row

RESOLVED = METRICS["resolved_rate"]
USD = METRICS["usd_per_resolved_request"]


@pytest.fixture
def run(tmp_path: Path) -> RunMeasurements:
    rows: list[Row] = []
    told = {
        "a": (("topic=hours",), "en", True, True),
        "b": (("deep=1", "topic=price"), "en", False, True),
        "c": (("topic=price",), "de", True, True),
        "d": ((), "de", False, False),
        "e": (None, "de", True, False),
    }
    for sample, (tags, tenant, new, old) in told.items():
        for release, resolved in ((CANDIDATE, new), (BASELINE, old)):
            asked = request(sample, release, tags=tags, tenant=tenant)
            again = request(sample, release, tags=tags, tenant="another", turn=1)
            rows += [asked, again, fate(asked, resolved=resolved), call(asked)]
    return measured(tmp_path, rows, BASELINE)


def test_slices_are_sorted_by_value_and_hold_all_samples(run: RunMeasurements) -> None:
    found = run.slices(RESOLVED, "topic", paired=False)
    assert list(found.items()) == [
        ("", Proportion(2, 1)),
        ("hours", Proportion(1, 1)),
        ("price", Proportion(2, 1)),
    ]


def test_a_column_is_read_of_the_first_request(run: RunMeasurements) -> None:
    found = run.slices(RESOLVED, "tenant", paired=False)
    assert found == {"de": Proportion(3, 2), "en": Proportion(2, 1)}


def test_pairs_are_sliced_as_well(run: RunMeasurements) -> None:
    found = run.slices(RESOLVED, "topic", paired=True)
    price = found["price"]
    assert isinstance(price, PairedProportion)
    assert (price.high.n, price.high.candidate_only, price.high.baseline_only) == (2, 0, 1)
    costs = run.slices(USD, "topic", paired=True)["price"]
    assert isinstance(costs, Sums)
    assert costs.totals == (200, 1, 200, 2)


def test_the_whole_is_as_before_once_slices_were_asked_for(run: RunMeasurements) -> None:
    whole = run.observe(RESOLVED, paired=False)
    run.slices(RESOLVED, "topic", paired=False)
    assert run.observe(RESOLVED, paired=False) == whole == Proportion(5, 3)


@pytest.mark.parametrize("by", ["feature", "nothing", "top", "topic=hours", "it's; --"])
def test_what_no_sample_has_gives_no_slices(run: RunMeasurements, by: str) -> None:
    assert run.slices(RESOLVED, by, paired=False) == {}


def test_a_slice_that_cannot_be_measured_says_so_alone(tmp_path: Path) -> None:
    known, unknown = request("a", route="big"), request("b", route="small")
    found = measured(tmp_path, [known, unknown, fate(known, resolved=True)])
    sliced = found.slices(RESOLVED, "route", paired=False)
    assert sliced["big"] == Proportion(1, 1)
    assert isinstance(sliced["small"], Missing)


def test_too_many_slices_are_refused(tmp_path: Path) -> None:
    rows = [request(f"s{number}", tags=(f"id={number}",)) for number in range(slices.MOST + 1)]
    with pytest.raises(InputError, match="id has more than 1,000 values"):
        measured(tmp_path, rows).slices(RESOLVED, "id", paired=False)
