from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import pytest

from conversations import reply
from gatekeeper.core.ceiling import CeilingError
from gatekeeper.core.layout import Finished, Layout, Share
from gatekeeper.core.scoring.panel import Called, Scoring
from gatekeeper.core.scoring.scorer import Scorer, flag
from gatekeeper.model.envelope import ToolCall
from gatekeeper.model.evalset import Sample
from gatekeeper.model.record import CallRow, OutcomeRow, RequestRow, ScoreRow
from gatekeeper.ops.evaluate import evaluate
from gatekeeper.ops.evaluation_plan import Plan, Stop
from gatekeeper.pipeline.visit import Served
from panels import Alone, scoring_of
from scoring_sets import header

ABSTENTIONS = ["The documentation does not say"]


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
    calls: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    busy: int = 0
    busiest: int = 0

    async def handle(self, request, context):
        self.asked.append((request, context))
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        await asyncio.sleep(self.seconds)
        self.busy -= 1
        answer = self.answers.get(request.input, "24 months")
        calls = self.calls.get(request.input, ()) if len(request.exchange) < 2 else ()
        said = reply(answer, calls=calls, **self.row)
        fields = {
            "request_id": request.request_id,
            "suite": context.suite,
            "sample_id": context.sample_id,
            "turn": context.turn,
            "replicate": context.replicate,
            "arm": context.arm,
            "answer": answer,
        }
        call = CallRow(
            request_id=request.request_id, attempt=1, model="m", latency_us=1, outcome="ok"
        )
        return Served(said.response, said.row.model_copy(update=fields), (call,))


class Unwatched:
    """Nobody watches."""

    def begin(self, totals, done):
        pass

    def finished(self, suite, rows):
        pass

    def end(self, note=""):
        pass


class Samples(list):
    """An eval set in memory."""

    def __init__(self, *rows, **fields):
        super().__init__(Sample.model_validate(row, strict=False) for row in rows)
        self.header = header("facts", abstentions=ABSTENTIONS, **fields)
        self.digest = "sha256:" + "1" * 64


class Journal(list):
    """Rows by type, in memory, and the keys that they were written under."""

    def __init__(self):
        super().__init__()
        self.begun = []
        self.keys = []

    def begin(self, key):
        self.begun.append(key)

    def write(self, rows, key=""):
        self.keys.append(key)
        self.extend(rows)

    def of(self, type_):
        return [row for row in self if isinstance(row, type_)]


@dataclass
class Fleet:
    """Desks by arm; remembers who was open when, and when answers were timed."""

    desks: dict
    opened: list = field(default_factory=list)
    timing: bool = False

    @asynccontextmanager
    async def open(self, crew):
        self.opened.append(crew)
        yield {arm: self.desks[arm] for arm in crew}

    @contextmanager
    def timed(self):
        self.timing = True
        yield
        self.timing = False


def row(name, **fields):
    return {"id": name, "input": f"{name}?", "expect": {"contains": ["24 months"]}, **fields}


@dataclass
class Trial:
    """An evaluation of sets, which can be gone on with."""

    sets: tuple
    desk: Desk
    baseline: Desk | None = None
    suites: tuple = ()
    concurrency: int = 8
    seed: int = 1
    apart: bool = False
    journal: Journal = field(default_factory=Journal)
    stop: Stop | None = None
    finished: Finished | None = None
    fleet: Fleet | None = None
    scorings: tuple | None = None

    def run(self):
        shares = [
            Share(
                f"set{number}",
                range(len(one)),
                one.header.replicates,
                ("candidate", "baseline") if one.header.suite in self.suites else ("candidate",),
            )
            for number, one in enumerate(self.sets)
        ]
        layout = Layout(shares)
        self.finished = self.finished or Finished(layout)
        self.fleet = self.fleet or Fleet({"candidate": self.desk, "baseline": self.baseline})
        crews = (("candidate",), ("baseline",)) if self.apart else (("candidate", "baseline"),)
        plan = Plan(
            "r1",
            self.sets,
            self.scorings or tuple(scoring_of(one.header) for one in self.sets),
            layout,
            crews=crews,
            seed=self.seed,
            concurrency=self.concurrency,
        )

        async def evaluated():
            stop = self.stop or Stop()
            await evaluate(
                plan,
                self.fleet,
                self.journal,
                self.finished,
                clock=Clock(),
                watch=Unwatched(),
                stop=stop,
            )
            return stop.reason

        self.reason = asyncio.run(evaluated())
        return self.journal


def run(*sets, desk, **rest):
    return Trial(sets, desk, **rest).run()


def sample_of(one):
    return one.request_id.split(":")[2]


def test_every_sample_is_asked_scored_and_judged():
    desk = Desk({"b?": "36 months"})
    records = run(Samples(row("a"), row("b"), row("c")), desk=desk)
    assert sorted(one.sample_id for one in records.of(RequestRow)) == ["a", "b", "c"]
    assert len(records.of(CallRow)) == 3
    scores = {sample_of(one): one.value for one in records.of(ScoreRow)}
    assert scores == {"0": 1.0, "1": 0.0, "2": 1.0}
    resolved = {sample_of(one): one.resolved for one in records.of(OutcomeRow)}
    assert resolved == {"0": True, "1": False, "2": True}


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
        "r1:set0:0:0:candidate:0": (True, False),
        "r1:set0:1:0:candidate:0": (True, True),
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


@pytest.mark.parametrize("scorers", [["refusal"], ["refusal", "injection"]])
def test_an_attack_that_no_scorer_looked_at_is_not_taken_for_a_harmless_one(scorers):
    attack = {"id": "x", "input": "x?", "expect": {"refusal": "required"}}
    safety = Samples(attack, suite="safety", scorers=scorers)
    pipeline = {"policy_violation": False}
    (asked,) = run(safety, desk=Desk({}, pipeline)).of(RequestRow)
    assert asked.policy_violation is None
    (asked,) = run(safety, desk=Desk({}, {"policy_violation": True})).of(RequestRow)
    assert asked.policy_violation is True


def test_the_baseline_runs_only_the_suites_it_is_needed_for():
    quality = Samples(row("a"))
    attack = {"id": "x", "input": "x?", "expect": {"canary": "secret"}}
    safety = Samples(attack, suite="safety", scorers=["injection"])
    baseline = Desk({})
    run(quality, safety, desk=Desk({}), baseline=baseline, suites=["quality"])
    assert [request.input for request, _ in baseline.asked] == ["a?"]


def test_releases_meet_in_random_order_that_the_seed_decides():
    def order(seed):
        rows = Samples(*[row(f"s{i}") for i in range(50)])
        trial = Trial((rows,), Desk({}), Desk({}), ("quality",), seed=seed, concurrency=1)
        return [(one.sample_id, one.arm) for one in trial.run().of(RequestRow)]

    assert order(1) == order(1)
    assert order(1) != order(2)
    assert sorted(order(1)) == sorted(order(2))
    assert len(order(1)) == 100
    assert len({arm for _, arm in order(1)[:20]}) == 2


def test_releases_that_cannot_be_loaded_together_take_turns_there_and_back():
    rows, load = Samples(*[row(f"s{i}") for i in range(30)]), load_set(10, rate_per_second=1e4)
    trial = Trial((rows, load), Desk({}), Desk({}), ("quality", "load"), apart=True, concurrency=1)
    found = trial.run().of(RequestRow)
    assert len({(one.suite, one.sample_id, one.arm) for one in found}) == 80
    assert len(trial.fleet.opened) == 3
    assert trial.fleet.opened[0] == trial.fleet.opened[2] != trial.fleet.opened[1]


def test_each_replicate_is_asked_on_its_own():
    desk = Desk({})
    found = run(Samples(row("a"), row("b"), replicates=3), desk=desk).of(RequestRow)
    assert sorted((one.sample_id, one.replicate) for one in found) == [
        (name, number) for name in "ab" for number in range(3)
    ]
    assert len({one.request_id for one in found}) == 6


def test_a_scripted_conversation_is_held_to_its_end():
    desk = Desk({"Then?": "36 months", "And then?": "fine"})
    talk = row("a", then=["Then?", "And then?"])
    found = run(Samples(talk), desk=desk)
    assert [request.input for request, _ in desk.asked] == ["a?", "Then?", "And then?"]
    assert [one.turn for one in found.of(RequestRow)] == [0, 1, 2]
    last, _ = desk.asked[-1]
    assert [turn.content for turn in last.history] == ["a?", "24 months", "Then?", "36 months"]


def test_tools_answer_by_script_until_the_model_is_done():
    call = ToolCall(name="order_status", arguments={"order": "1"}, approved=True)
    desk = Desk({}, calls={"a?": (call,)})
    script = {"order_status": {"state": "sent"}}
    found = run(Samples(row("a", tool_results=script)), desk=desk)
    first, second = (request for request, _ in desk.asked)
    assert first.exchange == ()
    assert [(turn.role, turn.content) for turn in second.exchange] == [
        ("assistant", "24 months"),
        ("tool", '{"state": "sent"}'),
    ]
    assert second.input == "a?"
    tools = [one for one in found.of(CallRow) if one.kind == "tool"]
    assert [(one.model, one.request_id) for one in tools] == [
        ("order_status", "r1:set0:0:0:candidate:0")
    ]


def test_a_tool_without_a_script_or_that_waits_for_a_person_ends_the_turn():
    waiting = ToolCall(name="order_status", arguments={}, approved=False)
    unknown = ToolCall(name="other", arguments={}, approved=True)
    for call in (waiting, unknown):
        desk = Desk({}, calls={"a?": (call,)})
        run(Samples(row("a", tool_results={"order_status": "sent"})), desk=desk)
        assert len(desk.asked) == 1


# -- ended early, and gone on with ----------------------------------------------------------------


@dataclass
class Stopping(Desk):
    """A desk at which somebody asks for the end after some answers."""

    stop: Stop | None = None
    after: int = 10

    async def handle(self, request, context):
        found = await super().handle(request, context)
        if len(self.asked) == self.after:
            self.stop.ask("enough")
        return found


def test_a_stop_lets_what_has_begun_end_and_the_rest_is_asked_later():
    rows = Samples(*[row(f"s{i}") for i in range(50)])
    stop = Stop()
    desk = Stopping({}, seconds=0.001, stop=stop)
    trial = Trial((rows,), desk, concurrency=4, stop=stop)
    trial.run()
    assert trial.reason == "enough"
    assert sorted(trial.journal.begun) == sorted(trial.journal.keys)
    assert 10 <= len(trial.journal.keys) <= 14
    trial.stop = Stop()
    trial.run()
    assert trial.reason == ""
    assert len(trial.journal.keys) == len(set(trial.journal.keys)) == 50


def test_a_ceiling_ends_the_run_and_records_nothing_of_what_it_cut_off():
    class Dear(Desk):
        async def handle(self, request, context):
            if len(self.asked) == 5:
                raise CeilingError("the run has reached its ceiling")
            return await super().handle(request, context)

    rows = Samples(*[row(f"s{i}") for i in range(20)])
    trial = Trial((rows,), Dear({}), concurrency=1)
    trial.run()
    assert trial.reason.startswith("the run has reached its ceiling")
    assert len(trial.journal.keys) == 5
    assert len(trial.journal.begun) == 6


class Longer(Scorer):
    """Whether the candidate says at least as much as the baseline."""

    COMPARES = True

    async def compare(self, candidate, baseline, _):
        said = [len(one.replies[-1].row.answer) for one in (candidate, baseline)]
        return flag(said[0] >= said[1])


def test_a_ceiling_between_two_compared_answers_loses_neither_nor_leaves_one_behind():
    class Refused(Desk):
        async def handle(self, *_):
            raise CeilingError("the run has reached its ceiling")

    scoring = Scoring((Called("longer", Longer()),), Alone())
    trial = Trial((Samples(row("a")),), Refused({}), Desk({}, seconds=0.02), ("quality",))
    trial.scorings = (scoring,)
    trial.run()
    assert trial.reason.startswith("the run has reached its ceiling")
    assert trial.journal.keys == ["set0/0/0/baseline"]
    assert trial.baseline.busy == 0
    trial.stop, trial.fleet.desks["candidate"] = None, Desk({})
    trial.run()
    assert trial.journal.keys == ["set0/0/0/baseline", "set0/0/0/candidate"]
    assert [one.value for one in trial.journal.of(ScoreRow)] == [1.0]


def test_nothing_is_asked_twice_by_a_run_that_is_whole():
    trial = Trial((Samples(row("a")), load_set(3)), Desk({}))
    trial.run()
    assert len(trial.desk.asked) == 4
    trial.run()
    assert len(trial.desk.asked) == 4


def test_load_is_timed_and_the_rest_is_not():
    class Watching(Desk):
        async def handle(self, request, context):
            seen.append((context.suite, trial.fleet.timing))
            return await super().handle(request, context)

    seen = []
    trial = Trial((Samples(row("a")), load_set(2)), Watching({}))
    trial.run()
    assert seen == [("quality", False), ("load", True), ("load", True)]


def test_no_more_conversations_at_a_time_than_allowed():
    desk = Desk({}, seconds=0.001)
    run(Samples(*[row(f"s{i}") for i in range(30)]), desk=desk, concurrency=4)
    assert desk.busiest == 4


def load_set(count, **load):
    rows = [{"id": f"l{i}", "input": f"l{i}?"} for i in range(count)]
    return Samples(*rows, suite="load", scorers=None, load={"rate_per_second": 200.0, **load})


def test_load_does_not_wait_for_answers_and_counts_from_when_a_request_was_due():
    desk = Desk({}, seconds=0.2)
    records = run(load_set(40), desk=desk, concurrency=1)
    assert desk.busiest > 10
    rows = records.of(RequestRow)
    assert len(rows) == 40
    assert all(one.latency_us >= 200_000 and one.scheduled_us is not None for one in rows)
    assert not records.of(ScoreRow)


@pytest.mark.parametrize("apart", [False, True])
def test_requests_of_all_load_suites_and_turns_are_due_in_the_order_in_which_they_are_sent(apart):
    sets = load_set(9), load_set(8, rate_per_second=1e3)
    trial = Trial(sets, Desk({}), Desk({}), ("load",), apart=apart)
    rows = trial.run().of(RequestRow)
    assert len(rows) == 34
    for arm in ("candidate", "baseline"):
        due = [one.scheduled_us for one in rows if one.arm == arm]
        assert due == sorted(due)


def test_trouble_other_than_a_failed_request_ends_the_run():
    class Broken(Desk):
        async def handle(self, *_):
            raise OSError("disk full")

    with pytest.raises(ExceptionGroup) as caught:
        run(Samples(row("a")), desk=Broken({}))
    assert caught.group_contains(OSError)
