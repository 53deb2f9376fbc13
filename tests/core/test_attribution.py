"""Attribution as a game: axioms of Shapley, intervals that pair samples, names that are sure."""

from __future__ import annotations

from itertools import combinations, permutations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.core.attribution import game
from gatekeeper.core.attribution.case import CRITICAL, Case
from gatekeeper.core.attribution.critical import broken, by_cure, named
from gatekeeper.core.attribution.figures import SampleBasis
from gatekeeper.core.attribution.naming import attributed, only_change
from gatekeeper.core.attribution.players import Player, changed, components_of, mixes, players
from gatekeeper.core.attribution.resampling import Values, resampled
from gatekeeper.core.attribution.rollbacks import Evidence, hopeless, rollbacks
from gatekeeper.core.attribution.samples import Rows, Scope, table
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.core.metrics.formula import blended
from gatekeeper.core.observation import Missing, Sums
from gatekeeper.model.facts import MEANING, Facts
from gatekeeper.model.policy import Rule

if TYPE_CHECKING:
    from gatekeeper.model.attribution import CriticalSample

PLAYERS = (Player(("prompt",)), Player(("router",)))
COST = Rule(
    name="cost", section="cost", metric="usd_per_resolved_request", test="max_increase", limit=0.1
)


def combined(weights: game.Weights, values: dict[int, float]) -> float:
    return sum(weight * values[one] for one, weight in weights.items())


@st.composite
def games(draw: st.DrawFn, most: int = 7) -> tuple[game.Design, dict[int, float]]:
    made = game.design(draw(st.integers(1, most)), draw(st.integers(0, 99)))
    random = draw(st.randoms(use_true_random=False))
    return made, {one: float(random.randint(-1000, 1000)) for one in made.coalitions}


@given(games())
def test_the_players_share_the_whole_change(drawn: tuple[game.Design, dict[int, float]]) -> None:
    made, values = drawn
    shares = [combined(game.shapley(made, player), values) for player in range(made.players)]
    assert sum(shares) == pytest.approx(combined(game.total(made), values), abs=1e-6)


@given(games(), st.data())
def test_who_changes_nothing_gets_nothing(
    drawn: tuple[game.Design, dict[int, float]], data: st.DataObject
) -> None:
    made, values = drawn
    player = data.draw(st.integers(0, made.players - 1))
    values = {one: values.get(one & ~(1 << player), 5.0) for one in made.coalitions}
    for weights in (game.shapley, game.alone, game.last):
        assert combined(weights(made, player), values) == pytest.approx(0, abs=1e-9)
    for first, second in game.pairs(made):
        if player in (first, second):
            assert combined(game.interaction(made, first, second), values) == pytest.approx(0)


@given(st.integers(2, game.EXACT), st.lists(st.integers(-9, 9), min_size=5, max_size=5))
def test_players_that_do_the_same_get_the_same(count: int, by_size: list[int]) -> None:
    made = game.design(count, 0)
    values = {one: float(by_size[one.bit_count()]) for one in made.coalitions}
    shares = {round(combined(game.shapley(made, player), values), 9) for player in range(count)}
    assert len(shares) == 1


@given(games(most=game.EXACT))
def test_exact_values_are_the_mean_over_all_orders(
    drawn: tuple[game.Design, dict[int, float]],
) -> None:
    made, values = drawn
    orders = list(permutations(range(made.players)))
    for player in range(made.players):
        gains = []
        for order in orders:
            before = sum(1 << one for one in order[: order.index(player)])
            gains.append(values[before | 1 << player] - values[before])
        mean = sum(gains) / len(gains)
        assert combined(game.shapley(made, player), values) == pytest.approx(mean, abs=1e-9)


@given(games(most=game.EXACT))
def test_interactions_are_the_mean_over_all_orders_of_who_is_there_before(
    drawn: tuple[game.Design, dict[int, float]],
) -> None:
    """Two join as one; what they add less what each would is averaged over all orders of that."""
    made, values = drawn
    for first, second in game.pairs(made):
        others = [one for one in range(made.players) if one not in (first, second)]
        one, other = 1 << first, 1 << second
        found = []
        for order in permutations(["both", *others]):
            before = sum(1 << int(p) for p in order[: order.index("both")])
            alone = values[before | one] + values[before | other] - values[before]
            found.append(values[before | one | other] - alone)
        mean = sum(found) / len(found)
        assert combined(game.interaction(made, first, second), values) == pytest.approx(
            mean, abs=1e-9
        )


@pytest.mark.parametrize("count", [5, 8])
def test_drawn_orders_put_everybody_everywhere_and_ask_for_few_mixes(count: int) -> None:
    made = game.design(count, 3)
    for place in range(count):
        assert sorted(order[place] for order in made.orders) == sorted([*range(count)] * 2)
    assert len(made.coalitions) == count * (count - 1) + 2
    assert {1 << player for player in range(count)} <= set(made.coalitions)
    assert {made.everyone & ~(1 << player) for player in range(count)} <= set(made.coalitions)
    assert game.design(count, 3) == made
    assert game.design(count, 4) != made


def test_two_that_only_work_together_interact() -> None:
    made = game.design(2, 0)
    values = {0: 0.0, 1: 1.0, 2: 1.0, 3: 5.0}
    assert combined(game.interaction(made, 0, 1), values) == 3
    assert combined(game.alone(made, 0), values) == 1
    assert combined(game.last(made, 0), values) == 4
    assert combined(game.shapley(made, 0), values) == 2.5


# -- samples and intervals ------------------------------------------------------------------------


def rows(y: list[int], d: list[int] | None = None, clusters: list[str] | None = None) -> Rows:
    keys = [("quality", f"s{number:03d}", 0) for number in range(len(y))]
    ones = [1] * len(y)
    return Rows(keys, clusters or [""] * len(y), np.array(y, dtype=np.int64), np.array(d or ones))


def valued(
    metric: str,
    coalitions: list[Rows],
    against: dict[int, Rows] | None = None,
) -> Values:
    made = table(METRICS[metric], dict(enumerate(coalitions)), against or {})
    assert not isinstance(made, Missing)
    return resampled(made, 7)


def costs(factor: float, noise: int = 0, n: int = 120) -> Rows:
    random = np.random.default_rng(5)
    base = random.gamma(4, 25_000, n)
    return rows([int(one * factor) for one in base + random.normal(0, noise, n)])


def test_pairing_makes_intervals_narrow_and_a_bystander_exactly_nothing() -> None:
    values = valued(COST.metric, [costs(1), costs(1.3), costs(1), costs(1.3)])
    made = game.design(2, 7)
    prompt = values.moved(game.shapley(made, 0), 0.95, relative=True)
    router = values.moved(game.shapley(made, 1), 0.95, relative=True)
    assert prompt.value == pytest.approx(0.3, abs=1e-4)
    assert prompt.low == pytest.approx(0.3, abs=1e-3)
    assert (router.value, router.low, router.high) == (0, 0, 0)


def test_replicates_keep_the_sum() -> None:
    values = valued(COST.metric, [costs(1), costs(1.3, 9), costs(1.1, 5), costs(1.6, 3)])
    made = game.design(2, 7)
    parts = [game.shapley(made, player) for player in range(2)]
    for place in range(0, 2000, 97):
        seen = {one: float(column[place]) for one, column in values.columns.items()}
        whole = combined(game.total(made), seen)
        assert sum(combined(part, seen) for part in parts) == pytest.approx(whole)


def test_it_depends_on_the_seed_and_on_nothing_else() -> None:
    made = game.design(2, 7)
    coalitions = [costs(1), costs(1.2, 4000), costs(1.1, 5000), costs(1.3, 3000)]
    found = [valued(COST.metric, coalitions).moved(game.total(made), 0.95) for _ in range(2)]
    assert found[0] == found[1]
    other = table(METRICS[COST.metric], dict(enumerate(coalitions)), {})
    assert not isinstance(other, Missing)
    assert resampled(other, 8).moved(game.total(made), 0.95) != found[0]


def test_clusters_are_the_units() -> None:
    topics = [f"t{number // 20}" for number in range(120)]
    lonely = [rows([1, 0, 0] * 40), rows([1, 1, 0] * 40)]
    grouped = [
        Rows(one.keys, topics, np.repeat([0, 1, 0, 1, 1, shift], 20), one.d)
        for one, shift in zip(lonely, (0, 1), strict=True)
    ]
    assert valued("resolved_rate", lonely).units == 120
    found = valued("resolved_rate", grouped)
    assert found.units == 6
    span = found.moved({1: 1.0, 0: -1.0}, 0.95)
    assert span.low is not None
    assert span.low <= 0


def test_few_units_have_no_interval() -> None:
    span = valued("resolved_rate", [rows([0] * 4), rows([1] * 4)]).moved({1: 1.0, 0: -1.0}, 0.95)
    assert (span.value, span.low, span.high) == (1, None, None)


def test_a_quantile_is_taken_by_weight_and_against_its_own_session() -> None:
    slow = rows([number * 1000 for number in range(1, 201)])
    slower = rows([number * 2000 for number in range(1, 201)])
    noisy = rows([number * 2000 + 500_000 for number in range(1, 201)])
    shifted = rows([number * 1000 + 500_000 for number in range(1, 201)])
    values = valued("p95_latency", [slow, slower, noisy], {2: shifted})
    assert values.value(0) == 190_000
    assert values.value(1) == 380_000
    assert values.value(2) == values.value(1)
    span = values.moved({1: 1.0, 0: -1.0}, 0.95, relative=True)
    assert span.value == pytest.approx(1)
    assert span.low == pytest.approx(1)


def test_occurrences_are_counted_and_not_divided() -> None:
    values = valued("forbidden_tool_call", [rows([0] * 50), rows([2, 1, *[0] * 48])])
    assert values.value(1) == 3


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        ({0: rows([]), 1: rows([])}, "no_samples"),
        ({0: rows([1]), 1: Rows([("quality", "s000", 0)], [""], np.array([0]), np.array([1]), 1)},
         "incomplete"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_told(seen: dict[int, Rows], code: str) -> None:
    found = table(METRICS["resolved_rate"], seen, {})
    assert isinstance(found, Missing)
    assert found.code == code


def test_times_are_of_shared_samples_and_sums_of_all() -> None:
    seen = [rows([4000, 6000]), rows([4000])]
    assert [valued("p95_latency", seen).value(one) for one in (0, 1)] == [4000, 4000]
    assert [valued("retry_amplification", seen).value(one) for one in (0, 1)] == [5000, 4000]


def declared(**values: float) -> Facts:
    named = [
        {"name": name, "value": value, "unit": MEANING[name][0],  # type: ignore[index]
         "source": "a bill", "recorded_by": "me"}
        for name, value in values.items()
    ]  # fmt: skip
    period = {"from": "2026-10-01", "to": "2026-10-31"}
    head = {"apiVersion": "gatekeeper/v1", "kind": "Facts", "owner": "finance", "period": period}
    return Facts.model_validate({**head, "facts": tuple(named)})


def test_what_people_declared_of_the_whole_is_moved_by_no_component() -> None:
    found = table(METRICS["instability_tax"], {}, {}, Scope(declared(failure_usd=9)))
    assert isinstance(found, Missing)
    assert found.code == "declared"
    assert "failure_usd and baseline_failure_usd" in found.reason
    assert "no component can be named" in found.reason
    case = Case(COST, METRICS["instability_tax"], "fail")
    one = only_change(case, PLAYERS[0], found, SampleBasis())
    assert (one.code, one.guilty) == ("unmeasured", ())


def test_facts_that_nobody_declared_are_told() -> None:
    found = table(METRICS["energy_per_request"], {0: rows([1]), 1: rows([1])}, {})
    assert isinstance(found, Missing)
    assert found.code == "facts_absent"


def test_what_requests_determine_is_shared_out_beside_declared_facts() -> None:
    facts = declared(
        infrastructure_usd=4, retrieval_usd=0, review_hours=2, review_usd_per_hour=3,
        incident_usd=0, rework_usd=0, verified_changes=5,
    )  # fmt: skip
    seen = {0: rows([10**9] * 50), 1: rows([2 * 10**9] * 50)}
    made = table(METRICS["cost_per_verified_change"], seen, {}, Scope(facts))
    assert not isinstance(made, Missing)
    values = resampled(made, 7)
    assert [values.value(one) for one in (0, 1)] == pytest.approx([12e9, 22e9])
    span = values.moved({1: 1.0, 0: -1.0}, 0.95)
    assert span.low is not None
    assert span.low < 10e9 < (span.high or 0)
    assert made.blend is not None
    assert "review_hours" in made.blend.names


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 9)), min_size=1, max_size=30),
    st.integers(1, 10**6),
)
def test_facts_enter_as_they_do_in_a_verdict(pairs: list[tuple[int, int]], fact: int) -> None:
    metric = METRICS["cost_per_successful_agent_task"]
    facts = declared(infrastructure_usd=fact, escalation_usd=1)
    y, d = ([pair[place] for pair in pairs] for place in (0, 1))
    made = table(metric, {0: rows(y, d)}, {}, Scope(facts))
    assert not isinstance(made, Missing)
    sums = Sums(len(y), (sum(y), sum(d)), ((1, 1), (1, 1)))
    decided = blended(sums, metric.formulas[0], facts)
    assert not isinstance(decided, Missing)
    expected = decided.totals[0] / decided.totals[1]
    assert resampled(made, 7, replicates=1).value(0) == pytest.approx(expected, rel=1e-12)


def test_only_the_samples_of_some_slices_count() -> None:
    only = frozenset({("quality", "s001", 0), ("quality", "s002", 0)})
    made = table(METRICS["resolved_rate"], {0: rows([0, 1, 1, 0])}, {}, Scope(only=only))
    assert not isinstance(made, Missing)
    assert resampled(made, 7).value(0) == 1
    assert list(made.keys) == sorted(only)


def test_intervals_hold_what_is_true() -> None:
    random = np.random.default_rng(11)
    made = game.design(2, 0)
    truth = {0: 1.0, 1: 1.2, 2: 1.1, 3: 1.5}
    held, tries, n = np.zeros(3), 100, 60
    for _ in range(tries):
        hard = random.gamma(4, 25_000, n)
        answered = [list((random.random(n) < 0.9).astype(int)) for _ in truth]
        asked = [
            rows([int(one) for one in hard * factor * random.gamma(30, 1 / 30, n)], answered[one])
            for one, factor in truth.items()
        ]
        values = valued(COST.metric, asked)
        parts = [game.shapley(made, 0), game.shapley(made, 1), game.interaction(made, 0, 1)]
        for place, weights in enumerate(parts):
            span = values.moved(weights, 0.95, relative=True)
            assert span.low is not None
            assert span.high is not None
            held[place] += span.low <= combined(weights, truth) <= span.high
    assert (held / tries >= 0.9).all(), held


def test_intervals_hold_what_all_orders_would_say_where_three_act_together() -> None:
    """Of five, every three move something by themselves: orders that were drawn cannot know all."""
    random, n, held, narrow = np.random.default_rng(5), 5, 0, 0
    for _ in range(6):
        effects = {three: random.normal(0, 0.05) for three in combinations(range(n), 3)}
        truth = {
            one: 1 + sum(effects[three] for three in effects if all(one >> p & 1 for p in three))
            for one in range(1 << n)
        }
        made = game.design(n, int(random.integers(10**6)))
        hard = random.gamma(4, 25_000, 80)
        seen = {
            one: rows([int(value) for value in hard * truth[one] + random.normal(0, 3000, 80)])
            for one in made.coalitions
        }
        found = table(METRICS[COST.metric], seen, {})
        assert not isinstance(found, Missing)
        values = resampled(found, 7, replicates=300)
        every = game.Design(n, (), tuple(range(1 << n)))
        for player in range(n):
            exact = combined(game.shapley(every, player), truth)
            weights = game.shapley(made, player)
            for draws, count in ((game.draws(made, player), 1), ((), 0)):
                span = values.moved(weights, 0.99, draws, relative=True)
                assert span.low is not None
                assert span.high is not None
                inside = span.low <= exact <= span.high
                held, narrow = held + inside * count, narrow + inside * (1 - count)
    assert held >= 29, held
    assert narrow <= 24, narrow


def test_a_bystander_of_drawn_orders_is_exactly_nothing() -> None:
    made = game.design(5, 1)
    factors = {one: 1 + 0.1 * (one & 1) + 0.07 * ((one & 6) == 6) for one in made.coalitions}
    found = table(METRICS[COST.metric], {one: costs(of) for one, of in factors.items()}, {})
    assert not isinstance(found, Missing)
    values = resampled(found, 7)
    for player in (3, 4):
        span = values.moved(game.shapley(made, player), 0.99, game.draws(made, player))
        assert (span.value, span.low, span.high) == (0, 0, 0)


@given(games(most=5))
def test_what_two_do_together_makes_no_draw_differ(
    drawn: tuple[game.Design, dict[int, float]],
) -> None:
    made, values = drawn
    members = {one: [p for p in range(made.players) if one >> p & 1] for one in made.coalitions}
    pairs = {
        one: sum(values.get(1 << p, 0) for p in of)
        + sum(7.0 * i - 3 * j for i, j in combinations(of, 2))
        for one, of in members.items()
    }
    for player in range(made.players):
        each = [combined(weights, pairs) for weights in game.draws(made, player)]
        assert each == pytest.approx([combined(game.shapley(made, player), pairs)] * len(each))


# -- names ----------------------------------------------------------------------------------------


def told(*coalitions: Rows, rule: Rule = COST, outcome: str = "fail"):
    values = valued(rule.metric, list(coalitions))
    case = Case(rule, METRICS[rule.metric], outcome)  # type: ignore[arg-type]
    made = game.design(len(coalitions).bit_length() - 1, 7)
    return attributed(case, made, PLAYERS, values, SampleBasis(120, ("quality",)))


def test_the_guilty_one_is_named_and_comes_first() -> None:
    found = told(costs(1), costs(1), costs(1.3), costs(1.3))
    assert found.code == "named"
    assert found.guilty == ("router",)
    assert [one.component for one in found.components] == ["router", "prompt"]
    assert found.reason.startswith("router explains 100 % of the +30.0 %")


def test_who_mends_does_not_hide_who_breaks() -> None:
    found = told(costs(1), costs(1.5), costs(0.6), costs(1.02))
    assert found.guilty == ("prompt",)
    assert found.reason.endswith("; router takes part of that back: +2.0 % in all")


def test_both_are_named_where_neither_explains_most() -> None:
    found = told(costs(1), costs(1.2), costs(1.2), costs(1.4))
    assert found.guilty == ("prompt",)
    third = [costs(1 + 0.2 * one.bit_count()) for one in range(8)]
    three = (*PLAYERS, Player(("budgets",)))
    case = Case(COST, METRICS[COST.metric], "fail")
    all_ = attributed(case, game.design(3, 7), three, valued(COST.metric, third), SampleBasis(1))
    assert len(all_.guilty) == 2


def test_noise_names_nobody() -> None:
    random = np.random.default_rng(3)
    noisy = [rows(list(random.integers(0, 2, 60))) for _ in range(4)]
    rule = Rule(name="r", section="quality", metric="resolved_rate", test="min", limit=0.9)
    found = told(*noisy, rule=rule)
    assert found.code in {"cannot_tell", "not_the_change"}
    assert found.guilty == ()


def test_what_was_bad_before_is_not_the_change() -> None:
    rule = Rule(name="r", section="quality", metric="resolved_rate", test="min", limit=0.9)
    bad, worse = rows([0, 1] * 60), rows([1, 1, 1, 0] * 30)
    found = told(bad, bad, worse, worse, rule=rule)
    assert found.code == "not_the_change"
    assert "50.0 %" in found.reason


def test_what_became_better_is_told_as_that() -> None:
    found = told(costs(1), costs(1), costs(0.8), costs(0.8), outcome="pass")
    assert (found.code, found.guilty) == ("not_the_change", ())
    assert found.reason == "it moved the good way, most by router"


def test_nothing_resolved_is_no_measure() -> None:
    nothing = rows([100] * 120, [0] * 120)
    found = told(costs(1), nothing, costs(1), costs(1))
    assert found.code == "unmeasured"


def test_one_change_needs_no_mix() -> None:
    values = valued(COST.metric, [costs(1), costs(1.3)])
    case = Case(COST, METRICS[COST.metric], "fail")
    found = only_change(case, PLAYERS[0], values, SampleBasis(120, ("quality",)))
    assert (found.code, found.guilty) == ("only_change", ("prompt",))
    assert found.change == found.components[0].moved
    blind = only_change(case, PLAYERS[0], Missing("x", "not run", ""), SampleBasis())
    assert (blind.code, blind.guilty, blind.change) == ("only_change", ("prompt",), None)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.5, 2), min_size=4, max_size=4))
def test_whoever_is_named_surely_moved_it_the_bad_way(factors: list[float]) -> None:
    found = told(*(costs(factor, 3000) for factor in factors))
    for one in found.components:
        if one.component in found.guilty:
            assert one.moved.low is not None
            assert one.moved.low > 0


# -- players and rollbacks ------------------------------------------------------------------------


def test_a_mix_that_is_not_sound_couples_its_components() -> None:
    def faults(mix: frozenset[str]) -> list[str]:
        return ["router: no such model"] if "router" in mix and "model" not in mix else []

    found = players(("prompt", "model", "router"), faults)  # type: ignore[arg-type]
    assert [one.components for one in found] == [("prompt",), ("model", "router")]
    assert found[1].reasons == ("router: no such model",)
    assert found[1].name == "model+router"
    assert components_of(0b10, found) == {"model", "router"}


def test_where_no_mix_is_sound_all_are_one() -> None:
    found = players(("prompt", "model", "router"), lambda _: ["never"])
    assert [one.components for one in found] == [("prompt", "model", "router")]


@given(st.sets(st.sampled_from(["prompt", "model", "router", "tools"]), min_size=1), st.data())
def test_every_mix_of_players_is_sound(names: set[str], data: st.DataObject) -> None:
    ordered = [name for name in ("prompt", "model", "router", "tools") if name in names]
    unsound = data.draw(
        st.sets(st.frozensets(st.sampled_from(ordered), min_size=1, max_size=len(ordered) - 1))
        if len(ordered) > 1
        else st.just(set())
    )
    found = players(ordered, lambda mix: ["bad"] if mix in unsound else [])  # type: ignore[arg-type]
    assert sorted(name for one in found for name in one.components) == sorted(ordered)
    assert not {frozenset(mix) for mix in mixes([one.components for one in found])} & unsound


def test_changed_components_are_told_by_their_digests() -> None:
    names = ("prompt", "model", "serving", "retrieval", "router", "tools", "policy", "budgets")
    old = dict.fromkeys(names, "a")
    assert changed({**old, "router": "b", "prompt": "b"}, old) == ("prompt", "router")  # type: ignore[arg-type]


def test_the_smallest_rollback_of_the_guiltiest_comes_first() -> None:
    who = (Player(("prompt",)), Player(("router",)), Player(("model", "serving")))
    found = list(rollbacks(Evidence(who, game.design(3, 0), {"router": 2.0, "prompt": 1.0}, [])))
    assert found[0] == 0b101
    assert found[1] == 0b110
    assert found[2] == 0b100
    assert found[3] == 0b011
    assert len(found) == 6


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (COST, [False, True]),
        (COST.model_copy(update={"test": "max", "limit": 0.0001}), [False, True]),
        (COST.model_copy(update={"severity": "warn"}), [False, False]),
    ],
)
def test_a_mix_beyond_the_limit_is_not_tried(rule: Rule, expected: list[bool]) -> None:
    values = valued(rule.metric, [costs(0.9), costs(0.9), costs(1.3), costs(1.3)])
    case = Case(rule, METRICS[rule.metric], "fail")
    assert [hopeless(one, [(case, values)]) for one in (1, 2)] == expected


def test_who_moved_nothing_is_not_taken_back() -> None:
    """Three play, and the second does nothing: less than with it does the same."""
    who = (*PLAYERS, Player(("policy",)))
    values = valued(
        COST.metric, [costs(1 + 0.2 * (one & 1) + 0.2 * (one >> 2)) for one in range(8)]
    )
    case = Case(COST, METRICS[COST.metric], "fail")
    found = list(rollbacks(Evidence(who, game.design(3, 7), {}, [(case, values)])))
    assert found == [0b010]
    free = Case(COST.model_copy(update={"limit": 0.3}), METRICS[COST.metric], "fail")
    found = list(rollbacks(Evidence(who, game.design(3, 7), {}, [(free, values)])))
    assert found == [0b110, 0b011, 0b010]


def test_a_rollback_that_is_expected_to_pass_comes_before_a_smaller_one_that_is_not() -> None:
    """Of five, two each add a fifth: to take both back was not evaluated, and is tried first."""
    made = game.design(5, 7)
    who = tuple(Player((name,)) for name in ("prompt", "model", "serving", "router", "policy"))
    first, second = made.orders[0][0], made.orders[0][2]
    left = made.everyone & ~(1 << first | 1 << second)
    assert left not in made.coalitions
    both = (1 << first, 1 << second)
    seen = {one: costs(1 + sum(0.2 for bit in both if one & bit), 1) for one in made.coalitions}
    found = table(METRICS[COST.metric], seen, {})
    assert not isinstance(found, Missing)
    case = Case(COST, METRICS[COST.metric], "fail")
    order = list(rollbacks(Evidence(who, made, {}, [(case, resampled(found, 7))])))
    assert order[0] == left


# -- critical samples -----------------------------------------------------------------------------


MUST = Rule(name="must", section="quality", metric="must_pass", test="must_pass", samples=("vip",))


def failing(*by_coalition: set[int]) -> tuple[CriticalSample, ...]:
    """What is found of three critical samples, of which each coalition fails some."""
    seen = {
        one: rows([int(sample in failed) for sample in range(3)])
        for one, failed in enumerate(by_coalition)
    }
    made = table(CRITICAL, seen, {})
    assert not isinstance(made, Missing)
    who = PLAYERS[: len(by_coalition).bit_length() - 1]
    return broken(made, game.design(len(who), 0), who)


@pytest.mark.parametrize(
    ("neither", "prompt", "router", "both", "cures", "how"),
    [
        (set(), {0}, set(), {0}, (("prompt",),), "pass without prompt"),
        (set(), set(), set(), {0}, (("prompt",), ("router",)), "it takes all of them"),
        (set(), {0}, {0}, {0}, (("prompt", "router"),), "each alone makes them fail"),
        ({0}, {0}, set(), {0}, (), "failed before the change"),
    ],
)
def test_a_critical_sample_is_cured_by_taking_the_least_back(  # noqa: PLR0913, PLR0917 - mixes
    neither: set[int],
    prompt: set[int],
    router: set[int],
    both: set[int],
    cures: tuple[tuple[str, ...], ...],
    how: str,
) -> None:
    (found,) = failing(neither, prompt, router, both)
    assert (found.sample, found.suite, found.before) == ("s000", "quality", bool(neither))
    assert found.cures == cures
    ((told, samples),) = by_cure([found])
    assert how in told
    assert samples == ["s000"]


def test_the_fewest_that_cure_every_critical_sample_are_named() -> None:
    found = failing({2}, {0, 2}, {2}, {0, 1, 2})
    mixed = [rows([0, 0, 1]), rows([1, 0, 1]), rows([0, 0, 1]), rows([1, 1, 1])]
    values = valued("forbidden_tool_call", mixed)
    case = Case(MUST, CRITICAL, "fail")
    row = attributed(case, game.design(2, 0), PLAYERS, values, SampleBasis(3, ("quality",)))
    told = named(row, found, PLAYERS)
    assert (told.code, told.guilty) == ("named", ("prompt",))
    assert told.reason.startswith("of 3 critical samples that fail, 1 pass")
    assert "1 failed before the change, too" in told.reason
    assert (told.baseline, told.candidate, told.unit) == (1, 3, "count")


def test_nobody_is_named_where_all_failed_before() -> None:
    values = valued("forbidden_tool_call", [rows([1])] * 4)
    row = attributed(
        Case(MUST, CRITICAL, "fail"), game.design(2, 0), PLAYERS, values, SampleBasis()
    )
    told = named(row, failing({0}, {0}, {0}, {0}), PLAYERS)
    assert (told.code, told.guilty) == ("not_the_change", ())


def test_what_is_hidden_by_another_is_told() -> None:
    found = told(costs(1), costs(1.4), costs(0.5), costs(0.7), outcome="pass")
    assert found.reason.startswith("it moved the good way, most by router; that hides prompt")


def test_a_fall_beyond_the_limit_is_not_tried() -> None:
    rule = Rule(
        name="r", section="quality", metric="resolved_rate", test="max_decrease", limit=0.02
    )
    good, bad = rows([1] * 100), rows([1] * 95 + [0] * 5)
    values = valued(rule.metric, [good, good, bad, bad])
    case = Case(rule, METRICS[rule.metric], "fail")
    assert [hopeless(one, [(case, values)]) for one in (1, 2)] == [False, True]
