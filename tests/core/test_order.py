from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.layout import Finished, Layout, Share
from gatekeeper.core.order import derived_seed, timetable, turns
from gatekeeper.core.sampling import sharded, stratified
from gatekeeper.model.evalset import Load

ARMS = (("candidate",), ("candidate", "baseline"))
NUMBERS = st.one_of(
    st.integers(0, 20).map(range), st.lists(st.integers(0, 10**6), unique=True, max_size=20)
)


@st.composite
def layouts(draw):
    shares = [
        Share(f"set-{number}", draw(NUMBERS), draw(st.integers(1, 4)), draw(st.sampled_from(ARMS)))
        for number in range(draw(st.integers(1, 4)))
    ]
    return Layout(shares)


@given(layouts())
def test_every_conversation_has_a_place_and_a_key_of_its_own(layout):
    keys = [layout.place(index).key(layout.shares) for index in range(len(layout))]
    assert len(set(keys)) == len(layout) == sum(share.size for share in layout.shares)
    assert [layout.index(key) for key in keys] == list(range(len(layout)))


@given(layouts(), st.text(max_size=30))
def test_a_key_of_another_run_is_none_of_this_one(layout, key):
    found = layout.index(key)
    assert found is None or layout.place(found).key(layout.shares) == key


@pytest.mark.parametrize(
    "key", ["set-0/5/0/candidate", "set-0/0/1/candidate", "set-0/0/0/baseline", "x/0/0/candidate"]
)
def test_a_key_beyond_the_layout_is_none_of_it(key):
    assert Layout([Share("set-0", range(5))]).index(key) is None


@given(layouts(), st.integers(0, 5))
def test_an_order_holds_each_once_and_is_the_same_for_the_same_seed(layout, seed):
    which = range(0, len(layout.shares), 2)
    order = layout.shuffled(which, seed)
    assert order == layout.shuffled(which, seed)
    wanted = [index for index in range(len(layout)) if layout.place(index).share % 2 == 0]
    assert sorted(order) == wanted


@given(layouts(), st.data())
def test_what_is_finished_is_remembered_once(layout, data):
    chosen = data.draw(st.lists(st.sampled_from(range(len(layout))))) if len(layout) else []
    finished = Finished(layout)
    for position, index in enumerate(chosen):
        assert finished.add(index) is (index not in chosen[:position])
    assert finished.count == len(set(chosen))
    assert [index for index in range(len(layout)) if index in finished] == sorted(set(chosen))


@given(st.integers(0, 50), st.integers(1, 7))
def test_shards_share_the_samples_out(size, count):
    parts = [list(sharded(range(size), index, count)) for index in range(1, count + 1)]
    assert sorted(number for part in parts for number in part) == list(range(size))


@given(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=80), st.data())
def test_a_limit_takes_its_share_of_every_group(groups, data):
    limit = data.draw(st.integers(1, 90))
    chosen = list(stratified(groups, limit, 1))
    assert len(chosen) == len(set(chosen)) == min(limit, len(groups))
    assert chosen == sorted(chosen)
    sizes, taken = Counter(groups), Counter(groups[number] for number in chosen)
    for group, size in sizes.items():
        exact = min(limit, len(groups)) * size / len(groups)
        assert abs(taken[group] - exact) < 1
    assert chosen == list(stratified(groups, limit, 1))


@pytest.mark.parametrize("arrivals", ["poisson", "fixed"])
@pytest.mark.parametrize("arms", ARMS)
def test_a_load_suite_keeps_its_rate_for_each_arm(arrivals, arms):
    load = Load(rate_per_second=200.0, arrivals=arrivals)
    dues = timetable(0, range(1000), arms, load, "seed")
    assert len(dues) == 1000 * len(arms)
    assert dues[-1].due_us / 1e6 == pytest.approx(5, rel=0.15)
    assert all(one.due_us <= other.due_us for one, other in pairwise(dues))
    groups = zip(*[iter(dues)] * len(arms), strict=True)
    assert all(len({due.place.number for due in group}) == 1 for group in groups)


@given(st.integers(1, 6), st.integers(0, 9))
def test_turns_go_there_and_back(count, seed):
    order = turns(count, seed)
    if count == 1:
        assert order == (0,)
        return
    assert order == tuple(reversed(order))
    assert Counter(order) == dict.fromkeys(range(count), 2)


def test_each_replicate_has_a_seed_of_its_own():
    seeds = [derived_seed(7, replicate) for replicate in range(100)]
    assert seeds[0] == 7
    assert len(set(seeds)) == 100
    assert seeds == [derived_seed(7, replicate) for replicate in range(100)]
    assert derived_seed(8, 1) != derived_seed(7, 1)
