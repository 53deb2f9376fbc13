"""Whether eval sets and prices are easier than those before, whatever they are called."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.core import asking
from gatekeeper.core.asking import asked_of, prints_of
from gatekeeper.core.canonical import digest
from gatekeeper.core.policy.basis import Basis, basis_changes, basis_eased
from gatekeeper.model.evalset import EvalSet, Sample
from gatekeeper.model.policy import GatePolicy
from gatekeeper.model.prices import ModelPrice
from gatekeeper.ops.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatekeeper.model.asked import Asked

HEADER = {
    "apiVersion": "gatekeeper/v1",
    "kind": "EvalSet",
    "name": "desk",
    "owner": "quality",
    "licence": "CC0-1.0",
    "split": "held_out",
    "suite": "quality",
    "file": "eval_sets/desk.jsonl",
    "scorers": ["exact"],
}
PRICE = {"input_usd_per_million": 1.0, "cached_input_usd_per_million": 0.1}


def asked(samples: Iterable[tuple[str, str]], **header: Any) -> Asked:
    """A set whose samples have these ids and answers."""
    read = EvalSet.model_validate_json(json.dumps({**HEADER, **header}))
    made = [
        Sample.model_validate_json(
            json.dumps({"id": name, "input": "?", "expect": {"exact": answer}})
        )
        for name, answer in samples
    ]
    identity = digest(repr([read, sorted(made, key=repr)]).encode())
    return asked_of(read, identity, made, len(made))


def four(**changed: str) -> dict[str, str]:
    return {"a": "1", "b": "2", "c": "3", "d": "4", **changed}


def changes(before: dict[str, Asked], after: dict[str, Asked]) -> list[tuple[str, ...]]:
    found = basis_changes(Basis(asked=before), Basis(asked=after))
    return [(one.rule, one.what, one.before, one.after, one.direction) for one in found]


def one_set(**changed: Any) -> dict[str, Asked]:
    return {"desk": asked(four().items(), **changed)}


def test_the_same_samples_in_another_order_and_header_are_the_same_set() -> None:
    again = asked(reversed(four().items()), description="of the desk", owner="grace", strata="x")
    assert changes(one_set(), {"desk": again}) == []
    assert changes({}, one_set()) == []


def many(count: int) -> dict[str, Asked]:
    return {"desk": asked((f"q{number}", "1") for number in range(count))}


def test_a_few_samples_may_be_added() -> None:
    assert changes(many(20), many(22)) == [("eval set desk", "samples", "20", "22", "tightened")]


def test_many_more_samples_may_hide_those_that_fail() -> None:
    diluted = ("suite quality", "samples", "20", "23", "either")
    assert changes(many(20), many(23))[-1] == diluted
    beside = many(20) | {"easy": asked([("x", "1"), ("y", "1"), ("z", "1")], name="easy")}
    assert changes(many(20), beside)[-1] == diluted
    elsewhere = many(20) | {"agent": asked(four().items(), name="agent", suite="agent")}
    assert {one[-1] for one in changes(many(20), elsewhere)} == {"none"}


@pytest.mark.parametrize(
    ("samples", "left"),
    [
        ({"a": "1", "b": "2", "c": "3"}, "3 of them"),
        (four(d="5"), "3 of them"),
        ({"a": "1", "b": "2", "c": "3", "e": "4"}, "3 of them"),
        ({"x": "1"}, "none of them"),
    ],
)
def test_samples_that_are_gone_or_others_demand_less(samples: dict[str, str], left: str) -> None:
    found = changes(one_set(), {"desk": asked(samples.items())})
    assert found == [("eval set desk", "samples", "4", left, "loosened")]


def test_a_digest_alone_does_not_say_that_the_samples_are_the_same() -> None:
    kept = asked([("a", "1")]).model_copy(update={"digest": one_set()["desk"].digest})
    found = changes(one_set(), {"desk": kept})
    assert found == [("eval set desk", "samples", "4", "1 of them", "loosened")]


def test_a_set_that_is_not_run_demands_less() -> None:
    other = {"desk": asked(four().items(), suite="safety")}
    assert changes(one_set(), {}) == [("eval set desk", "samples", "4", "none of them", "loosened")]
    assert changes(one_set(), other)[0][2:] == ("4", "none of them", "loosened")


def test_a_set_may_be_renamed_and_divided() -> None:
    items = list(four().items())
    parts = {"first": asked(items[:1], name="first"), "rest": asked(items[1:], name="rest")}
    assert changes(one_set(), {"tickets": asked(items, name="tickets")}) == [
        ("eval set tickets", "added", "nothing", "4 samples", "none")
    ]
    assert {one[-1] for one in changes(one_set(), parts)} == {"none"}
    assert {one[-1] for one in changes(parts, one_set())} == {"none"}


@pytest.mark.parametrize(
    ("header", "what", "direction"),
    [
        ({"scorers": ["contains"]}, "scorers", "either"),
        ({"cluster": "template"}, "cluster", "either"),
        ({"resolved_by": ["exact"]}, "resolved_by", "either"),
        ({"replicates": 3}, "replicates", "tightened"),
    ],
)
def test_answers_that_are_judged_otherwise_may_demand_less(
    header: dict[str, Any], what: str, direction: str
) -> None:
    ((_, found, _, _, told),) = changes(one_set(), one_set(**header))
    assert (found, told) == (what, direction)
    ((_, found, _, _, told),) = changes(one_set(**header), one_set())
    assert (found, told) == (what, "either")


def test_most_samples_cannot_be_judged_otherwise_under_another_name() -> None:
    items = list(four().items())
    after = {
        "desk": asked(items[:1]),
        "easy": asked(items[1:], name="easy", scorers=["contains"]),
    }
    assert ("eval set desk", "scorers", "exact") in {one[:3] for one in changes(one_set(), after)}


def test_the_same_sample_may_be_in_two_sets_that_judge_it_in_two_ways() -> None:
    items = [(f"q{number}", "1") for number in range(11)]
    both, more = (
        many(10) | {"judged": asked(items[:size], name="judged", scorers=["contains"])}
        for size in (10, 11)
    )
    assert {one[-1] for one in changes(both, more)} == {"tightened"}


def test_of_large_sets_it_is_known_only_whether_they_are_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small = one_set()
    monkeypatch.setattr(asking, "MOST", 3)
    large = one_set()
    assert prints_of(large["desk"]) is None
    assert changes(large, large) == changes(small, large) == []
    more = {"desk": asked(four(d="5").items())}
    assert changes(large, more) == [("eval set desk", "samples", "4", "others", "either")]
    assert changes(small, more) == changes(large, more)
    assert changes(large, {})[0][3:] == ("nothing", "either")


def policy(**limits: float) -> Policy:
    content = {
        "apiVersion": "gatekeeper/v1",
        "kind": "GatePolicy",
        "metadata": {"name": "desk", "owner": "audit", "effective": "2026-11-01"},
        "sections": {"any": limits},
    }
    return Policy(GatePolicy.model_validate_json(json.dumps(content)))


def priced(output: float, **limits: float) -> Policy:
    found = policy(**limits)
    price = ModelPrice(**PRICE, output_usd_per_million=output)
    return Policy(found.value, basis=Basis(prices={"small": price}))


def test_a_lower_price_demands_less_where_a_rule_is_about_money() -> None:
    cost = {"usd_per_resolved_request_max": 0.1}
    (found,) = basis_eased(priced(4.0, **cost), priced(2.0, **cost))
    assert (found.rule, found.what, found.before, found.after) == (
        "price of small",
        "output_usd_per_million",
        "4",
        "2",
    )
    assert basis_eased(priced(2.0, **cost), priced(4.0, **cost)) == ()
    quality = {"resolved_rate_min": 0.8}
    assert basis_eased(priced(4.0, **quality), priced(2.0, **quality)) == ()
    assert len(basis_eased(priced(4.0, **cost), priced(2.0, **quality))) == 1


answers = st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.sampled_from("12"))


@settings(max_examples=60, deadline=None)
@given(answers, answers, st.sampled_from(["desk", "other"]))
def test_less_is_demanded_where_a_sample_is_missing_or_many_are_new(
    before: dict[str, str], after: dict[str, str], name: str
) -> None:
    found = changes({"desk": asked(before.items())}, {name: asked(after.items(), name=name)})
    less = [one for one in found if one[-1] in {"loosened", "either"}]
    diluted = 10 * (len(after) - len(before)) > len(before)
    assert bool(less) is (diluted or not before.items() <= after.items())
