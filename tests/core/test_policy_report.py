"""How rules have done: counts, margins, and what came of promotions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from delivery import make_verdict
from gatekeeper.core.policy.report import Online, RuleRecord, policy_report, promotions
from gatekeeper.model.ledger import LedgerEntry, ReliedOn, Stable, State

if TYPE_CHECKING:
    from gatekeeper.model.verdict import Verdict

NOW = datetime(2026, 11, 1, tzinfo=UTC)
V1, V2, POLICY = ("sha256:" + digit * 64 for digit in "123")


def verdict(outcome: str = "pass", **rule: Any) -> Verdict:
    made = make_verdict(V1, None, POLICY)
    rules = (made.rules[0].model_copy(update={"outcome": outcome, **rule}),)
    return made.model_copy(update={"rules": rules, "decided": NOW})


def entry(serial: int, action: Any, days: float, relied: str | None = V1) -> LedgerEntry:
    return LedgerEntry(
        environment="local",
        lineage="a" * 32,
        serial=serial,
        previous=None if serial == 1 else V2,
        action=action,
        actor="ada",
        time=NOW + timedelta(days=days),
        state=State(stable=Stable(release=V1, name="desk", since=serial, promoted=1)),
        relied_on=ReliedOn(verdict=relied),
    )


def test_a_rollback_says_something_where_it_follows_soon_and_at_once() -> None:
    known = {V1: verdict()}
    soon = [entry(1, "promote", 0), entry(2, "promote", 1), entry(3, "rollback", 14)]
    assert [one.rolled_back is None for one in promotions("local", soon, known)] == [True, False]
    late = [entry(1, "promote", 0), entry(2, "rollback", 15)]
    assert [one.rolled_back for one in promotions("local", late, known)] == [None]
    wide = promotions("local", late, known, timedelta(days=30))
    assert wide[0].rolled_back == NOW + timedelta(days=15)


def test_a_promotion_whose_verdict_is_gone_is_left_out() -> None:
    assert promotions("local", [entry(1, "promote", 0, None)], {V1: verdict()}) == ()
    assert promotions("local", [entry(1, "promote", 0, V2)], {V1: verdict()}) == ()


def test_margins_are_on_the_good_side_whatever_bounds_the_metric() -> None:
    found = policy_report(
        [
            verdict(test="min", estimate=0.8, limit=0.78),
            verdict(test="max", estimate=0.9, limit=0.78),
            verdict(test="max_decrease", estimate=0.01, limit=0.02, margin=0.5),
            verdict(test="census", estimate=0.0, limit=0.0),
        ],
        (),
        {},
    )
    (only,) = found.rules
    assert [round(one, 6) for one in only.margins] == [0.02, -0.12, 0.5]
    assert round(only.closest or 0, 6) == 0.02
    assert round(only.middle or 0, 6) == 0.02


def test_an_unfit_run_is_no_rule_of_a_policy() -> None:
    found = policy_report([verdict("error", section="run", rule="run.fresh")], (), {})
    assert (found.verdicts, found.rules) == (1, ())


def test_what_a_reviewer_should_look_at() -> None:
    quiet = RuleRecord("r", outcomes={"pass": 5, "inconclusive": 1}, promoted=3)
    assert list(quiet.findings()) == []
    loud = RuleRecord(
        "r",
        outcomes={"error": 3, "pass": 2},
        overridden=1,
        promoted=2,
        rolled_back=1,
        online=Online(0.7, 0.6, 0.8, 100, met=False),
    )
    assert list(loud.findings()) == [
        "was an error 3 of 5 times: nothing measures it",
        "was overridden in 1 promotion: what did the release do then?",
        "passed 1 of 2 promotions that were rolled back soon after",
        "passed before, and its limit is not met by what was served",
    ]


def test_a_rule_that_does_not_apply_is_no_override() -> None:
    held = {V1: verdict("not_applicable")}
    made = promotions("local", [entry(1, "promote", 0)], held)
    (only,) = policy_report(list(held.values()), made, {}).rules
    assert (only.overridden, only.promoted) == (0, 0)
