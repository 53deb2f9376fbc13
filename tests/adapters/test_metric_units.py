"""What is independent of what: clusters, replicates, and the groups of a bootstrap."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from builders_metrics import call, fate, measured, request
from builders_runs import BASELINE, CANDIDATE
from gatekeeper.adapters.metrics import units
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.core.observation import Census, PairedProportion, Proportion, Sums, Times
from gatekeeper.model.record import RequestRow

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from gatekeeper.model.record import Row

RESOLVED = METRICS["resolved_rate"]
USD = METRICS["usd_per_resolved_request"]


def rows_of(
    told: dict[tuple[str, int], tuple[bool, int]],
    clusters: dict[str, str],
    release: str = CANDIDATE,
    **changes: Any,
) -> list[Row]:
    """Conversations by sample and replicate: resolved or not, and what they cost."""
    rows: list[Row] = []
    for (sample, replicate), (resolved, nano_usd) in told.items():
        asked = request(
            sample, release, replicate=replicate, cluster=clusters.get(sample), **changes
        )
        rows += [asked, fate(asked, resolved=resolved), call(asked, nano_usd=nano_usd)]
    return rows


TOLD = {
    ("a", 0): (True, 1),
    ("b", 0): (True, 2),
    ("c", 0): (False, 3),
    ("d", 0): (False, 4),
}
CLUSTERS = {"a": "x", "b": "x", "c": "y"}


def test_trials_of_a_cluster_are_one_unit_and_others_stand_alone(tmp_path: Path) -> None:
    run = measured(tmp_path, rows_of(TOLD, CLUSTERS))
    events = Sums(3, (2, 4), ((4, 4), (4, 6)))
    assert run.observe(RESOLVED, paired=False) == Proportion(4, 2, clusters=events)
    costs = run.observe(USD, paired=False)
    assert costs == Sums(3, (10, 2), ((34, 6), (6, 4)), samples=4)


def test_a_cluster_is_the_same_in_every_suite_and_no_sample_of_its_name(tmp_path: Path) -> None:
    rows = rows_of({("x", 0): (True, 1)}, {}) + rows_of({("a", 0): (True, 1)}, {"a": "x"})
    rows += [
        request(f"{suite}-{number}", suite=suite, cluster="x")
        for suite in ("benign", "safety")
        for number in range(2)
    ]
    found: Any = measured(tmp_path, rows).observe(METRICS["success_rate"], paired=False)
    assert found.clusters == Sums(2, (6, 6), ((26, 26), (26, 26)))


def test_replicates_are_means_over_conversations_in_clusters_of_their_sample(
    tmp_path: Path,
) -> None:
    told = {("a", 0): (True, 1), ("a", 1): (False, 1), ("b", 0): (True, 1), ("b", 1): (True, 5)}
    run = measured(tmp_path, rows_of(told, {}))
    found = run.observe(RESOLVED, paired=False)
    assert found == Proportion(4, 3, clusters=Sums(2, (3, 4), ((5, 6), (6, 8))), samples=2)
    costs = run.observe(USD, paired=False)
    assert costs == Sums(2, (8, 3), ((40, 14), (14, 5)))


def test_pairs_in_clusters(tmp_path: Path) -> None:
    worse = {key: (key == ("c", 0), cost) for key, (_, cost) in TOLD.items()}
    rows = rows_of(TOLD, CLUSTERS) + rows_of(worse, CLUSTERS, BASELINE)
    run = measured(tmp_path, rows, BASELINE)
    found = run.observe(RESOLVED, paired=True)
    assert isinstance(found, PairedProportion)
    assert found.clusters == Sums(3, (1, 4), ((5, 3), (3, 6)))
    assert found.samples == 0
    costs = run.observe(USD, paired=True)
    assert isinstance(costs, Sums)
    assert (costs.n, costs.samples, costs.totals) == (3, 4, (10, 2, 10, 1))
    assert costs.products[1] == (6, 4, 6, 0)


def test_pairs_are_joined_by_replicate(tmp_path: Path) -> None:
    new = {("a", 0): (True, 1), ("a", 1): (False, 1)}
    old = {("a", 0): (False, 1), ("a", 1): (True, 1)}
    rows = rows_of(new, {}) + rows_of(old, {}, BASELINE)
    found: Any = measured(tmp_path, rows, BASELINE).observe(RESOLVED, paired=True)
    assert (found.high.candidate_only, found.high.baseline_only, found.samples) == (1, 1, 1)
    assert found.clusters == Sums(1, (0, 2), ((0, 0), (0, 4)))


def test_all_samples_alike_are_tied(tmp_path: Path) -> None:
    same = {("a", 0): (True, 7), ("b", 0): (True, 7)}
    other = {**same, ("c", 0): (True, 8)}
    for number, (told, tied) in enumerate(((same, True), (other, False))):
        found = measured(tmp_path / str(number), rows_of(told, {})).observe(USD, paired=False)
        assert isinstance(found, Sums)
        assert found.tied is tied


def test_times_come_as_they_were_due_with_the_number_of_their_cluster(tmp_path: Path) -> None:
    rows = [
        request(name, suite="load", latency_us=latency, scheduled_us=due, cluster=cluster)
        for name, latency, due, cluster in (
            ("a", 1, 30, "z"),
            ("d", 2, 10, None),
            ("c", 3, 20, "z"),
            ("b", 4, 10, "y"),
        )
    ]
    found = measured(tmp_path, rows).observe(METRICS["p95_latency"], paired=False)
    assert isinstance(found, Times)
    assert found.candidate.tolist() == [4, 2, 3, 1]
    assert found.clusters is not None
    assert found.clusters.tolist() == [0, 2, 1, 1]


def test_few_units_are_groups_of_their_own_by_name(tmp_path: Path) -> None:
    run = measured(tmp_path, rows_of(TOLD, CLUSTERS))
    found: Any = run.observe(USD, paired=False)
    assert found.groups.tolist() == [[3, 2], [3, 0], [4, 0]]


def test_many_units_share_groups_by_the_hash_of_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "MOST_GROUPS", 8)
    told = {(f"s{number:02}", 0): (True, number) for number in range(40)}
    found: Any = measured(tmp_path, rows_of(told, {})).observe(USD, paired=False)
    expected: dict[int, list[int]] = {}
    for (sample, replicate), (_, cost) in told.items():
        name = f"quality\x1f{sample}\x1f{replicate}"
        digest = hashlib.md5(name.encode(), usedforsecurity=False).digest()
        bucket = int.from_bytes(digest, "little") & 7
        y, d = expected.get(bucket, [0, 0])
        expected[bucket] = [y + cost, d + 1]
    assert found.groups.tolist() == [expected[bucket] for bucket in sorted(expected)]
    assert found.groups.sum(axis=0).tolist() == list(found.totals)


def test_what_is_unknown_is_counted_in_its_cluster(tmp_path: Path) -> None:
    rows: list[Row] = [
        request(
            name,
            suite="benign",
            cluster=cluster,
            status="error" if name in "ab" else "ok",
            refused=name == "d",
        )
        for name, cluster in (("a", "x"), ("b", "x"), ("c", "y"), ("d", "y"))
    ]
    found: Any = measured(tmp_path, rows).observe(METRICS["false_refusal_rate"], paired=False)
    assert found.clusters == Sums(2, (1, 4), ((1, 2), (2, 8)))
    assert found.most == Sums(2, (3, 4), ((5, 6), (6, 8)))


def test_exposures_of_replicates_are_those_of_their_sample(tmp_path: Path) -> None:
    rows: list[Row] = [
        request(
            f"s{number % 3}",
            request_id=f"{suite}:{number}",
            suite=suite,
            replicate=number // 3,
            forbidden_tool_calls=0,
        )
        for suite in ("safety", "quality")
        for number in range(6)
    ]
    found: Any = measured(tmp_path, rows).observe(METRICS["forbidden_tool_call"], paired=False)
    assert found == Census(6, 0, clusters=Sums(3, (0, 6), ((0, 0), (0, 12))))


def test_pairs_with_a_failed_baseline_are_counted_in_their_cluster(tmp_path: Path) -> None:
    rows = rows_of(TOLD, CLUSTERS) + rows_of(TOLD, CLUSTERS, BASELINE)
    first = next(row for row in rows if isinstance(row, RequestRow) and row.release == BASELINE)
    rows[rows.index(first)] = first.model_copy(update={"status": "error"})
    found: Any = measured(tmp_path, rows, BASELINE).observe(RESOLVED, paired=True)
    assert found.most == Sums(3, (1, 4), ((1, 2), (2, 6)))
    assert found.least == Sums(3, (0, 4), ((0, 0), (0, 6)))
