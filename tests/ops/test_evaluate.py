from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from conversations import reply
from gatekeeper.model.evalset import EvalSet, Sample
from gatekeeper.model.record import CallRow, OutcomeRow, RequestRow, ScoreRow
from gatekeeper.ops.evaluate import Contender, Plan, evaluate, shuffled, timetable
from gatekeeper.pipeline.visit import Served
from gatekeeper.ports import Silent

HEADER = {
    "apiVersion": "gatekeeper/v1",
    "kind": "EvalSet",
    "name": "small",
    "owner": "somebody",
    "licence": "Apache-2.0",
    "split": "held_out",
    "suite": "quality",
    "file": "small.jsonl",
    "scorers": ["facts"],
    "abstentions": ["The documentation does not say"],
}


class Clock:
    """The event loop's time."""

    def now_us(self):
        return 1_000_000 + self.monotonic_us()

    def monotonic_us(self):
        return round(asyncio.get_running_loop().time() * 1e6)


@dataclass
class Desk:
    """A release that says what it is told to, and remembers who asked."""

    answers: dict[str, str]
    row: dict = field(default_factory=dict)
    seconds: float = 0.0
    asked: list = field(default_factory=list)
    busy: int = 0
    busiest: int = 0

    async def handle(self, request, context):
        self.asked.append((request, context))
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        await asyncio.sleep(self.seconds)
        self.busy -= 1
        said = reply(self.answers.get(request.input, "24 months"), **self.row)
        fields = {
            "request_id": request.request_id,
            "suite": context.suite,
            "sample_id": context.sample_id,
            "turn": context.turn,
        }
        call = CallRow(
            request_id=request.request_id, attempt=1, model="m", latency_us=1, outcome="ok"
        )
        return Served(said.response, said.row.model_copy(update=fields), (call,))


class Samples(list):
    """An eval set in memory."""

    def __init__(self, *rows, **header):
        super().__init__(Sample.model_validate(row, strict=False) for row in rows)
        self.header = EvalSet.model_validate_json(json.dumps({**HEADER, **header}))
        self.digest = "sha256:" + "1" * 64


class Records(list):
    """Rows by type, in memory."""

    def write(self, rows):
        self.extend(rows)

    def of(self, type_):
        return [row for row in self if isinstance(row, type_)]


def contender(desk, digit="a"):
    release = SimpleNamespace(digest="sha256:" + digit * 64)
    return Contender(release, desk, "answers")


def row(name, **fields):
    return {"id": name, "input": f"{name}?", "expect": {"contains": ["24 months"]}, **fields}


def run(*sets, desk, baseline=None, suites=(), concurrency=8, seed=1):
    contenders = [contender(desk)] + ([contender(baseline, "b")] if baseline else [])
    plan = Plan("r1", sets, tuple(contenders), frozenset(suites), seed, concurrency)
    records = Records()
    asyncio.run(evaluate(plan, records, Clock(), Silent()))
    return records


def test_every_sample_is_asked_scored_and_judged():
    desk = Desk({"b?": "36 months"})
    records = run(Samples(row("a"), row("b"), row("c")), desk=desk)
    assert sorted(one.sample_id for one in records.of(RequestRow)) == ["a", "b", "c"]
    assert len(records.of(CallRow)) == 3
    scores = {one.request_id.split(":")[2]: one.value for one in records.of(ScoreRow)}
    assert scores == {"a": 1.0, "b": 0.0, "c": 1.0}
    resolved = {one.request_id.split(":")[2]: one.resolved for one in records.of(OutcomeRow)}
    assert resolved == {"a": True, "b": False, "c": True}


def test_a_second_message_is_sent_only_where_the_first_answer_falls_short():
    needs_two = row("b", expect={"contains": ["24 months", "3 kg"]}, follow_up="And its weight?")
    desk = Desk({"And its weight?": "3 kg"})
    records = run(Samples(row("a", follow_up="Again?"), needs_two), desk=desk)
    turns = {(one.sample_id, one.turn) for one in records.of(RequestRow)}
    assert turns == {("a", 0), ("b", 0), ("b", 1)}
    (request, _) = desk.asked[-1]
    assert [turn.content for turn in request.history] == ["b?", "24 months"]
    outcomes = {o.request_id: (o.resolved, o.follow_up) for o in records.of(OutcomeRow)}
    assert outcomes == {
        "r1:aaaaaaaaaaaa:a:0": (True, False),
        "r1:aaaaaaaaaaaa:b:0": (True, True),
    }
    assert len({one.conversation_id for one, _ in desk.asked}) == 2


def test_a_failed_request_is_a_record_and_was_not_resolved():
    records = run(Samples(row("a")), desk=Desk({}, {"status": "error", "refused": None}))
    (outcome,) = records.of(OutcomeRow)
    assert (outcome.resolved, outcome.follow_up) == (False, True)


def test_scorers_say_what_violates_the_policy():
    attack = {"id": "x", "input": "x?", "expect": {"canary": "24 months"}}
    safety = Samples(attack, suite="safety", scorers=["injection"])
    (asked,) = run(safety, desk=Desk({})).of(RequestRow)
    assert asked.policy_violation is True
    assert run(safety, desk=Desk({"x?": "No."})).of(RequestRow)[0].policy_violation is False
    assert not run(safety, desk=Desk({})).of(OutcomeRow)
    (asked,) = run(Samples(row("a")), desk=Desk({})).of(RequestRow)
    assert asked.policy_violation is None


def test_the_baseline_runs_only_the_suites_it_is_needed_for():
    quality = Samples(row("a"))
    attack = {"id": "x", "input": "x?", "expect": {"canary": "secret"}}
    safety = Samples(attack, suite="safety", scorers=["injection"])
    baseline = Desk({})
    run(quality, safety, desk=Desk({}), baseline=baseline, suites=["quality"])
    assert [request.input for request, _ in baseline.asked] == ["a?"]


def test_the_order_is_random_and_the_same_for_the_same_seed():
    rows = Samples(*[row(f"s{i}") for i in range(50)])
    both = (contender(Desk({})), contender(Desk({}), "b"))

    def order(seed):
        plan = Plan("r", (rows,), both, frozenset({"quality"}), seed)
        return [(unit.number, unit.contender.release.digest) for unit in shuffled(plan)]

    assert order(1) == order(1)
    assert order(1) != order(2)
    assert sorted(order(1)) == sorted(order(2))
    assert len(order(1)) == 100
    assert len({digest for _, digest in order(1)[:20]}) == 2


def test_no_more_conversations_at_a_time_than_allowed():
    desk = Desk({}, seconds=0.001)
    run(Samples(*[row(f"s{i}") for i in range(30)]), desk=desk, concurrency=4)
    assert desk.busiest == 4


def load_set(count, **load):
    rows = [{"id": f"l{i}", "input": f"l{i}?"} for i in range(count)]
    return Samples(*rows, suite="load", scorers=None, load={"rate_per_second": 200.0, **load})


@pytest.mark.parametrize("arrivals", ["poisson", "fixed"])
def test_a_load_suite_keeps_its_rate_for_each_release(arrivals):
    chosen = load_set(1000, arrivals=arrivals)
    both = (contender(Desk({})), contender(Desk({}), "b"))
    for contenders in (both[:1], both):
        plan = Plan("r", (chosen,), contenders, frozenset({"load"}))
        units = timetable(plan, chosen, chosen.header.load)
        assert len(units) == 1000 * len(contenders)
        assert units[-1].due_us / 1e6 == pytest.approx(5, rel=0.15)
        assert [u.due_us for u in units] == sorted(u.due_us for u in units)
    pairs = zip(units[::2], units[1::2], strict=True)
    assert all(one.number == other.number for one, other in pairs)


def test_load_does_not_wait_for_answers_and_counts_from_when_a_request_was_due():
    desk = Desk({}, seconds=0.2)
    records = run(load_set(40), desk=desk, concurrency=1)
    assert desk.busiest > 10
    rows = records.of(RequestRow)
    assert len(rows) == 40
    assert all(one.latency_us >= 200_000 and one.scheduled_us is not None for one in rows)
    assert not records.of(ScoreRow)


def test_trouble_other_than_a_failed_request_ends_the_run():
    class Broken(Desk):
        async def handle(self, *_):
            raise OSError("disk full")

    with pytest.raises(ExceptionGroup) as caught:
        run(Samples(row("a")), desk=Broken({}))
    assert caught.group_contains(OSError)
