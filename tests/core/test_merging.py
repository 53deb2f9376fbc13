"""Which parts of a run belong together, and what the whole says of itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders_runs import BASELINE, ENDED, PRICES, describe
from gatekeeper.core.mergeable import Part
from gatekeeper.core.merging import merged
from gatekeeper.errors import InputError
from gatekeeper.model.run import RunOptions, RunRelease, RunSource, Shard
from shards import SIZES, part_of

SEALED = {"requests.parquet": PRICES}


def parts(count=3, **changes):
    whole = describe(SIZES).model_copy(update={"files": SEALED})
    return [
        Part(f"part{index}", part_of(whole, index, count, **changes))
        for index in range(1, count + 1)
    ]


def change(part, **changes):
    return Part(part.where, part.run.model_copy(update=changes))


def refused(found):
    with pytest.raises(InputError) as error:
        merged(found)
    return [str(problem) for problem in error.value.problems]


@given(st.integers(2, 12), st.randoms(use_true_random=False))
def test_the_whole_is_the_same_whatever_the_order_of_its_parts(count, rng):
    found = parts(count)
    whole = merged(found)
    assert {used.suite: used.samples for used in whole.sets} == SIZES
    assert all(used.of is None for used in whole.sets)
    assert (whole.partial, whole.options.shard, whole.files) == ((), None, {})
    assert whole.spend.nano_usd == 100 * sum(range(1, count + 1))
    assert (whole.spend.sittings, whole.spend.tokens) == (count, 10 * count)
    rng.shuffle(found)
    assert merged(found) == whole


@given(st.integers(2, 8), st.integers(0, 7))
def test_a_missing_part_is_named(count, lost):
    found = parts(count)
    del found[lost % count]
    assert any(f"missing: {lost % count + 1} of {count}" in line for line in refused(found))


def test_evidence_is_as_old_as_its_oldest_part_and_notes_name_the_parts():
    first, *others = parts(2)
    old = ENDED - timedelta(days=2)
    whole = merged([change(first, ended=old, notes=("a line was cut",)), *others])
    assert whole.ended == old
    assert whole.notes == (
        "a line was cut",
        "merged from 20261120-120001-abcdef (shard 1/2), 20261120-120002-abcdef (shard 2/2)",
    )


def test_what_makes_a_part_partial_beside_being_one_stays():
    first, second = parts(2)
    stopped = change(second, partial=("shard 2 of 2", "stopped at $1.00"))
    assert merged([first, stopped]).partial == ("stopped at $1.00",)


def test_ceilings_add_up_and_facts_about_machines_stand_beside_each_other():
    first, second = parts(2)
    options = first.run.options.model_copy(update={"max_usd": 1.5})
    one = change(first, options=options, determinism={"threads": "2"}, drift=("cuda",))
    options = second.run.options.model_copy(update={"max_usd": 2.0})
    two = change(second, options=options, determinism={"threads": "4"}, drift=("cuda", "driver"))
    whole = merged([one, two])
    assert whole.options.max_usd == 3.5
    assert whole.determinism == {"threads": "2 | 4"}
    assert whole.drift == ("cuda", "driver")


def test_machines_of_one_pool_may_have_different_processors():
    first, second = parts(2)
    machine = {"engine": "embedded", "version": "4.8", "cpu": "EPYC"}
    one = change(first, engines={"desk": machine})
    two = change(second, engines={"desk": {**machine, "cpu": "Xeon"}})
    assert merged([one, two]).engines == {"desk": {**machine, "cpu": "EPYC | Xeon"}}
    other = change(second, engines={"desk": {**machine, "version": "4.9"}})
    assert "the engines is not" in refused([one, other])[0]


def test_shards_of_a_limited_run_stay_limited():
    limited = []
    for part in parts(2):
        options = part.run.options.model_copy(update={"limit": 8})
        sets = tuple(used.model_copy(update={"samples": 4}) for used in part.run.sets)
        why = (*part.run.partial, "at most 8 samples of each set")
        limited.append(change(part, options=options, sets=sets, partial=why))
    whole = merged(limited)
    assert [(used.samples, used.of) for used in whole.sets] == [(8, n) for n in SIZES.values()]
    assert whole.partial == ("at most 8 samples of each set",)


DIFFERENT = {
    "candidate": {"candidate": RunRelease(name="desk", digest=PRICES)},
    "baseline": {"baseline": None},
    "first release": {"first_release": True},
    "suites of the baseline": {"baseline_suites": ("quality",)},
    "seed": {"seed": 8},
    "price book": {"price_book": BASELINE},
    "engines": {"engines": {"small": {"engine": "vllm"}}},
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_has_to_be_the_same(name):
    first, second = parts(2)
    (line,) = refused([first, change(second, **DIFFERENT[name])])
    assert line.startswith(f"part2: the {name} is not that of part1")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"digest": PRICES}, "the eval set 'quality' is not that of part1: dddddddddddd"),
        ({"replicates": 2}, "2 replicates"),
        ({"name": "other"}, "lacks the eval set 'quality' of part1"),
        ({"samples": 5}, "the parts of 'quality' have 35 samples together"),
        ({"samples": 50}, "the parts of 'quality' have 80 samples together"),
    ],
)
def test_sets_have_to_be_parts_of_the_same_set(changes, said):
    first, second = parts(2)
    used, *others = second.run.sets
    sets = (used.model_copy(update=changes), *others)
    assert any(said in line for line in refused([first, change(second, sets=sets)]))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"status": "interrupted"}, "part2: the run is interrupted"),
        ({"files": {}}, "part2: the run is not sealed"),
        ({"source": RunSource(format="inspect", digest=PRICES)}, "part2: the run was imported"),
        ({"options": RunOptions()}, "part2: the run is not part of one"),
        (
            {"options": RunOptions(shard=Shard(index=2, count=3))},
            "not divided alike: part1 is of 2",
        ),
        ({"options": RunOptions(shard=Shard(index=1, count=2))}, "shard 1 is there 2 times: part1"),
        ({"options": RunOptions(shard=Shard(index=3, count=2))}, "there is no shard 3 of 2"),
        ({"options": RunOptions(shard=Shard(index=2, count=2), limit=3)}, "limit is not that of"),
    ],
)
def test_what_cannot_be_a_part(changes, said):
    first, second = parts(2)
    assert any(said in line for line in refused([first, change(second, **changes)]))


def test_every_reason_is_told_at_once():
    first, second, third = parts(3)
    lines = refused([change(first, status="interrupted"), change(third, seed=8)])
    assert len(lines) == 3
    assert refused([second])[0].startswith("1 part cannot be merged")
    assert refused([]) == ["0 part cannot be merged\n  accepted: two or more runs"]


def test_the_id_follows_from_the_parts():
    found = parts(2)
    other = [change(found[0], spend=found[1].run.spend), found[1]]
    assert merged(found).id != merged(other).id
    assert merged(found).id.startswith("20261120-120000-")
