"""Paired shares: the likelihood, exact sizes by enumeration, planning, and clusters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import gammaln

from gatekeeper.core.observation import PairedProportion, Pairs, Proportion, Sums
from gatekeeper.core.statistics import tango
from gatekeeper.core.statistics.pairs import paired_share, power_of_pairs
from gatekeeper.core.statistics.tango import Table

if TYPE_CHECKING:
    from gatekeeper.core.statistics.inference import Side

ALPHA = 0.05


def paired(n: int, candidate: int, baseline: int, clusters: Sums | None = None) -> PairedProportion:
    """Pairs of which so many differ, everything known."""
    both = n // 4
    pairs = Pairs(n, candidate, baseline)
    sides = Proportion(n, both + candidate), Proportion(n, both + baseline)
    return PairedProportion(*sides, high=pairs, low=pairs, clusters=clusters)


def in_clusters(differences: list[int], sizes: list[int]) -> Sums:
    y, m = np.array(differences), np.array(sizes)
    products = ((int(y @ y), int(y @ m)), (int(y @ m), int(m @ m)))
    return Sums(len(sizes), (int(y.sum()), int(m.sum())), products)


def by_likelihood(table: Table, delta: float) -> float:
    """The score from the likelihood: the nuisance parameter by numeric maximisation."""
    n, b, c = table.n, table.candidate_only, table.baseline_only
    distance = b - c - n * delta
    if abs(distance) <= 0.75:
        return 0.0

    def loss(q: float) -> float:
        terms = ((b, q + delta), (c, q), (n - b - c, 1 - 2 * q - delta))
        return -sum(k * math.log(max(x, 1e-300)) for k, x in terms if k)

    ends = max(0.0, -delta), (1 - delta) / 2
    q = minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-12}).x
    variance = n * (2 * q + delta * (1 - delta))
    return (distance - math.copysign(0.75, distance)) / math.sqrt(variance)


@pytest.mark.parametrize(
    ("table", "alpha", "published"),
    [
        # Tango (1998), 44 users of contact lenses; Bentur et al. (2009), analysed by Fagerland,
        # Lydersen and Laake (2014), BMC Medical Research Methodology 14:108.
        (Table(44, 0, 1), 0.05, (-0.096, 0.037)),
        (Table(21, 1, 7), 0.025, (-0.517, -0.026)),
    ],
)
def test_published_bounds(table: Table, alpha: float, published: tuple[float, float]) -> None:
    assert tango.bounds(table, alpha, continuity=0) == pytest.approx(published, abs=5e-4)


@pytest.mark.parametrize(
    "table", [Table(100, 12, 5), Table(300, 3, 9), Table(44, 1, 7), Table(500, 40, 41)]
)
def test_bounds_are_where_the_likelihood_puts_them(table: Table) -> None:
    low, high = tango.bounds(table, ALPHA)
    assert by_likelihood(table, low) == pytest.approx(1.6448536, abs=1e-4)
    assert by_likelihood(table, high) == pytest.approx(-1.6448536, abs=1e-4)


@pytest.mark.parametrize(
    ("n", "limit"), [(100, 0.01), (200, 0.005), (300, 0.02), (100, 0.08), (60, 0.08)]
)
@pytest.mark.parametrize("side", ["below", "above"])
def test_at_its_limit_a_rule_passes_wrongly_at_most_at_alpha(
    n: int, limit: float, side: Side
) -> None:
    """The exact size: every table that passes, weighed with the worst nuisance parameter."""
    size = n // 4
    passing = np.array(
        [[tango.p(Table(n, b, c), limit, side) <= ALPHA for c in range(size)] for b in range(size)]
    )
    lost, gained = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    rest = n - lost - gained
    worst = 0.0
    for q in np.concatenate([[1e-9], np.linspace(0.002, 0.08, 40)]):
        p = q + limit
        log = gammaln(n + 1) - gammaln(lost + 1) - gammaln(gained + 1) - gammaln(rest + 1)
        log += lost * np.log(p) + gained * np.log(q) + rest * np.log(1 - p - q)
        worst = max(worst, float(np.exp(log)[passing].sum()))
    assert 0.015 < worst <= ALPHA


tables = st.tuples(st.integers(2, 400), st.integers(0, 200), st.integers(0, 200)).map(
    lambda t: (t[0], min(t[1], t[0]), min(t[2], t[0] - min(t[1], t[0])))
)


@settings(deadline=None)
@given(table=tables, alpha=st.floats(0.001, 0.4))
def test_bounds_enclose_mirror_and_agree_with_p(table: tuple[int, int, int], alpha: float) -> None:
    n, b, c = table
    found = paired_share(paired(n, b, c))
    low, high = found.bounds(alpha)
    assert low is not None
    assert high is not None
    assert -1 <= low <= found.value <= high <= 1
    mirrored = paired_share(paired(n, c, b)).bounds(alpha)
    assert mirrored == pytest.approx((-high, -low), abs=1e-9)
    if high < 0.999:
        assert found.p(high, "below") == pytest.approx(alpha, abs=1e-6)
    if low > -0.999:
        assert found.p(low, "above") == pytest.approx(alpha, abs=1e-6)


@settings(deadline=None)
@given(table=tables, limit=st.floats(-0.2, 0.2))
def test_another_failure_of_the_candidate_never_helps(
    table: tuple[int, int, int], limit: float
) -> None:
    n, b, c = table
    if b + c == n:
        return
    before = paired_share(paired(n, b, c)).p(limit, "below")
    after = paired_share(paired(n, b + 1, c)).p(limit, "below")
    assert before is not None
    assert after is not None
    assert after >= before - 1e-9


def test_equal_releases_are_not_shown_to_be_equal_by_few_pairs() -> None:
    assert (paired_share(paired(20, 0, 0)).bounds(ALPHA)[1] or 0) > 0.1
    assert (paired_share(paired(2000, 0, 0)).bounds(ALPHA)[1] or 1) < 0.0025


def test_the_worse_reading_of_what_is_unknown_is_taken_on_each_side() -> None:
    sides = Proportion(100, 50, 3), Proportion(100, 50, 3)
    found = paired_share(PairedProportion(*sides, high=Pairs(100, 8, 5), low=Pairs(100, 5, 8)))
    low, high = found.bounds(ALPHA)
    assert low == tango.bounds(Table(100, 5, 8), ALPHA)[0]
    assert high == tango.bounds(Table(100, 8, 5), ALPHA)[1]


# -- planning -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "truth", "rate", "limit", "side"),
    [
        (200, 0.0, 0.1, 0.06, "below"),
        (500, 0.0, 0.05, 0.02, "below"),
        (300, 0.08, 0.2, 0.02, "above"),
        (1319, 0.05, 0.1, 0.08, "below"),
    ],
)
def test_power_is_what_simulation_finds(
    n: int, truth: float, rate: float, limit: float, side: Side
) -> None:
    random = np.random.default_rng(4)
    shares = [(rate + truth) / 2, (rate - truth) / 2, 1 - rate]
    drawn = random.multinomial(n, shares, 2000)
    shown = [tango.p(Table(n, b, c), limit, side) <= ALPHA for b, c, _ in drawn]
    expected = power_of_pairs(n, truth, rate, limit, side, ALPHA)
    assert expected == pytest.approx(np.mean(shown), abs=0.04)


def test_a_tolerance_of_eight_points_lets_five_pass() -> None:
    """A published gate: 1,319 questions, where a drop of 8 points is tolerated."""
    found = paired_share(paired(1319, 60, 60))
    passes, fails = (found.detectable(0.08, side, ALPHA) for side in ("below", "above"))
    assert passes is not None
    assert fails is not None
    assert 0.05 < passes < 0.08 < fails
    assert power_of_pairs(1319, 0.05, 0.1, 0.08, "above", ALPHA) < 0.01
    assert power_of_pairs(1319, passes, 120 / 1319, 0.08, "below", ALPHA) == pytest.approx(0.8)


def test_the_number_that_is_told_has_the_power_and_one_less_has_not() -> None:
    found = paired_share(paired(400, 22, 20))
    needed = found.needed(0.03, ALPHA)
    assert needed is not None
    truth, rate = 2 / 400, 42 / 400
    assert power_of_pairs(needed, truth, rate, 0.03, "below", ALPHA) >= 0.8
    assert power_of_pairs(needed - 1, truth, rate, 0.03, "below", ALPHA) < 0.8


def test_a_difference_at_its_limit_is_settled_by_no_number() -> None:
    assert paired_share(paired(100, 5, 3)).needed(0.02, ALPHA) is None


# -- clusters -------------------------------------------------------------------------------------


def test_clusters_of_one_pair_change_nothing() -> None:
    differences = [1] * 12 + [-1] * 5 + [0] * 83
    seen = paired(100, 12, 5, in_clusters(differences, [1] * 100))
    alone = paired_share(paired(100, 12, 5)).bounds(ALPHA)
    assert paired_share(seen).bounds(ALPHA) == pytest.approx(alone, abs=1e-9)


def test_clusters_that_always_agree_count_once_each() -> None:
    differences = [10] * 4 + [-10] * 2 + [0] * 24
    seen = paired(300, 40, 20, in_clusters(differences, [10] * 30))
    alone = paired_share(paired(30, 4, 2)).bounds(ALPHA)
    assert paired_share(seen).bounds(ALPHA) == pytest.approx(alone, abs=1e-9)


def test_bounds_and_p_of_clusters_agree() -> None:
    found = paired_share(paired(300, 30, 20, in_clusters([3, -1] * 5 + [0] * 20, [10] * 30)))
    low, high = found.bounds(ALPHA)
    assert low is not None
    assert high is not None
    assert found.p(high, "below") == pytest.approx(ALPHA, abs=1e-9)
    assert found.p(low, "above") == pytest.approx(ALPHA, abs=1e-9)


def test_the_surer_the_wider() -> None:
    seen = paired(300, 30, 20, in_clusters([3, -1] * 5 + [0] * 20, [10] * 30))
    for found in (paired_share(paired(300, 30, 20)), paired_share(seen)):
        lows, highs = zip(*(found.bounds(alpha) for alpha in (0.2, 0.05, 0.01, 1e-4)), strict=True)
        assert list(lows) == sorted(lows, reverse=True)
        assert list(highs) == sorted(highs)


def test_no_difference_in_clusters_is_worth_the_clusters() -> None:
    seen = paired(600, 0, 0, in_clusters([0] * 20, [30] * 20))
    alone = paired_share(paired(20, 0, 0)).bounds(ALPHA)
    assert paired_share(seen).bounds(ALPHA) == pytest.approx(alone, abs=0.01)


def test_one_cluster_shows_nothing() -> None:
    found = paired_share(paired(500, 0, 0, in_clusters([0], [500])))
    assert found.bounds(ALPHA) == (None, None)
    assert found.p(0.5, "below") is None
    assert found.needed(0.5, ALPHA) is None
    assert found.detectable(0.5, "below", ALPHA) is None
