"""Finding what failed in the tables of a run."""

from __future__ import annotations

import pytest

from builders_runs import BASELINE, CANDIDATE, Behaviour, Case, describe, make_run
from gatekeeper.adapters.failures import Wanted, failures, talks
from gatekeeper.adapters.growing import GrowingTables
from gatekeeper.adapters.looking import measured, opened, suites
from gatekeeper.adapters.records import RunRecords
from gatekeeper.adapters.runs import read_run, seal
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.model.run import RunRelease

SIZES = {"quality": 40, "structured": 40, "safety": 40, "benign": 20}
ERRORS = {"quality": 1, "benign": 2}
BEHAVIOUR = Behaviour(unresolved=3, violations=2, malformed=4, forbidden=1, leaks=2, errors=ERRORS)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    return directory, make_run(directory, BEHAVIOUR, run=describe(SIZES, replicates=2))


def found(made, **wanted):
    directory, run = made
    with opened(directory, run) as connection:
        return failures(connection, run, Wanted(**{"limit": 1000, **wanted}))


def test_what_the_query_finds_is_what_counts_as_failed(made):
    shown, total = found(made)
    assert total == len(shown) > 20
    assert all(one.candidate.failures for one in shown)
    whole = [
        found(made, sample=f"{suite}-{n:05}")[0] for suite in SIZES for n in range(SIZES[suite])
    ]
    failed = [one for several in whole for one in several if one.candidate.failures]
    key = [(one.candidate.first.sample_id, one.candidate.first.replicate) for one in shown]
    assert sorted(key) == sorted(
        (one.candidate.first.sample_id, one.candidate.first.replicate) for one in failed
    )


def test_one_suite_one_scorer_one_sample_and_so_many(made):
    shown, total = found(made, suite="structured", limit=3)
    assert (len(shown), total) == (3, 8)
    assert {one.candidate.first.suite for one in shown} == {"structured"}
    shown, _ = found(made, scorer="pii")
    assert shown
    assert all(
        any(s.scorer == "pii" and s.value == 0 for s in one.candidate.scores) for one in shown
    )
    assert found(made, scorer="nobody") == ((), 0)
    shown, total = found(made, sample="quality-00001", suite="safety")
    assert (shown, total) == ((), 0)


def test_the_baseline_stands_beside_the_candidate_where_it_ran_the_suite(made):
    (one, again), _ = found(made, sample="quality-00001")
    assert (one.candidate.first.replicate, again.candidate.first.replicate) == (0, 1)
    assert one.baseline is not None
    assert one.baseline.first.release != one.candidate.first.release
    assert one.baseline.resolved is not None
    ((safe, _), _) = found(made, sample="safety-00001")
    assert safe.baseline is None
    assert {score.scorer for score in safe.candidate.scores} == {"pii", "tenant"}


def test_every_conversation_comes_with_its_calls(made):
    directory, run = made
    with opened(directory, run) as connection:
        whole = list(talks(connection, run))
    assert len(whole) == 2 * (140 + 40)
    assert [talk.arm for talk in whole] == ["candidate"] * 280 + ["baseline"] * 80
    assert all(exchange.calls for talk in whole for exchange in talk.exchanges)


def test_a_run_that_is_being_written_can_be_looked_into(tmp_path):
    run = make_run(tmp_path, BEHAVIOUR, run=describe({"quality": 30}), sealed=False)
    with opened(tmp_path, run) as connection:
        counts = suites(connection, run)
        assert failures(connection, run, Wanted(limit=0))[1] > 0
    assert [(one.arm, one.samples, one.error) for one in counts] == [
        ("candidate", 30, 1),
        ("baseline", 30, 0),
    ]
    assert read_run(tmp_path).files == {}


@pytest.mark.parametrize("digest", [BASELINE, CANDIDATE])
def test_each_side_is_measured_by_its_arm_even_where_both_are_one_release(tmp_path, digest):
    run = describe({"quality": 40}, baseline=RunRelease(name="desk", digest=digest))
    with RunRecords(tmp_path) as records:
        for arm, behaviour in (("candidate", Behaviour(unresolved=8)), ("baseline", Behaviour())):
            for number in range(40):
                side = digest if arm == "baseline" else CANDIDATE
                case = Case(side, "quality", number, behaviour, size=40)
                rows = [
                    row.model_copy(update={"request_id": f"{arm}/{row.request_id}"})
                    for row in case.rows()
                ]
                first = rows[0].model_copy(update={"arm": arm})
                records.write([first, *rows[1:]])
    with GrowingTables(tmp_path) as tables:
        tables.refresh()
        metric = METRICS["resolved_rate"]
        assert tables.paired(CANDIDATE, digest).observe(metric, paired=True).high.n == 40
    run = seal(tmp_path, run)
    with opened(tmp_path, run) as connection:
        sides = [measured(connection, run, arm) for arm in ("candidate", "baseline")]
        found = [one.observe(METRICS["resolved_rate"], paired=False).events for one in sides]
        assert [(one.arm, one.samples) for one in suites(connection, run)] == [
            ("candidate", 40),
            ("baseline", 40),
        ]
    assert found == [32, 28]
