"""A policy's own metrics: refused when the policy is read, with the line of the query."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from builders_runs import BASELINE, CANDIDATE, Behaviour, describe, make_run
from gatekeeper.adapters.metrics import RunMeasurements
from gatekeeper.adapters.policies import read_policy
from gatekeeper.adapters.project import Project
from gatekeeper.adapters.tables import open_tables
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.core.observation import Missing, PairedProportion, Proportion, Sums, Times
from gatekeeper.core.own_metrics import own_metric
from gatekeeper.errors import InputError
from gatekeeper.model.facts import Facts
from gatekeeper.model.policy import OwnMetric

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatekeeper.core.observation import Observation

POLICY = """\
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: own, owner: desk, effective: 2026-11-01}
metrics:
  long_answers:
    kind: proportion
    definition: share of samples with a long answer
    sql: |
      SELECT sample, max(len(answer) > 400) AS y FROM requests GROUP BY sample
  broken:
    kind: ratio
    definition: whatever
    sql: SELECT sample, QUERY
sections:
  quality: {long_answers_max: 0.2}
"""


def write(directory: Path, query: str) -> Path:
    path = directory / "policy.yaml"
    path.write_text(POLICY.replace("SELECT sample, QUERY", query), encoding="utf-8")
    return path


def test_a_policy_with_metrics_of_its_own_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, "SELECT sample, turn AS y FROM requests")

    read = read_policy(path, Project(tmp_path)).value

    assert set(read.metrics) == {"long_answers", "broken"}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("DELETE FROM requests", "it is DELETE, no SELECT"),
        ("SELECT * FROM read_text('/etc/passwd')", "line 1, column 15: read_text() reads"),
        ("SELECT sample, answer AS y FROM requests", "its column 'y' is VARCHAR, no number"),
        ("SELEC sample", 'line 1, column 1: syntax error at or near "SELEC"'),
        ("SELECT sample, marks AS y FROM requests", 'Binder Error: Referenced column "marks"'),
    ],
)
def test_what_cannot_be_a_metric_is_refused_at_its_line(
    tmp_path: Path, query: str, message: str
) -> None:
    path = write(tmp_path, query)

    with pytest.raises(InputError) as refused:
        read_policy(path, Project(tmp_path))

    (problem,) = refused.value.problems
    assert (problem.file, problem.line, problem.path) == ("policy.yaml", 13, "metrics.broken.sql")
    assert problem.message.startswith(message)
    assert problem.accepted


HOURS = {
    "name": "review_hours",
    "value": 2.5,
    "unit": "hours",
    "source": "time sheets",
    "recorded_by": "desk",
}
RUN = describe({"quality": 60, "load": 40}, replicates=2)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunMeasurements]:
    """Two replicates of 100 samples; 5 of quality end in an error for the candidate."""
    directory = tmp_path_factory.mktemp("run")
    run = make_run(directory, Behaviour(errors={"quality": 5}), run=RUN)
    facts = Facts.model_validate(
        {
            "apiVersion": "gatekeeper/v1",
            "kind": "Facts",
            "period": {"from": "2026-11-01", "to": "2026-11-20"},
            "owner": "desk",
            "facts": (HOURS,),
        }
    )
    with open_tables(directory, run) as connection:
        yield RunMeasurements(connection, CANDIDATE, BASELINE, facts, directory)


def observe(
    measured: RunMeasurements, sql: str, kind: str, *, paired: bool = False, **rest: object
) -> Observation:
    own = OwnMetric.model_validate_json(
        json.dumps({"sql": sql, "definition": "d", "kind": kind, **rest})
    )
    return measured.observe(own_metric(f"{kind} {sql} {rest}", own), paired=paired)


def test_a_query_that_says_what_the_library_says_is_measured_alike(
    measured: RunMeasurements,
) -> None:
    """Cost and latency, written anew: every sum and every time is the same."""
    usd = """
    SELECT calls.sample, calls.replicate, sum(nano_usd) AS y, count(DISTINCT o.request_id) AS d
    FROM calls LEFT JOIN (FROM outcomes WHERE resolved) o USING (request_id) GROUP BY ALL
    """
    slow = "SELECT sample, replicate, latency_us AS y FROM requests"

    for paired in (False, True):
        cost = observe(measured, usd, "ratio", paired=paired, suites=["quality"])
        times = observe(measured, slow, "quantile", paired=paired, suites=["load"], quantile=0.95)
        theirs = measured.observe(METRICS["p95_latency"], paired=paired)

        assert isinstance(cost, Sums)
        assert cost == measured.observe(METRICS["usd_per_resolved_request"], paired=paired)
        assert isinstance(times, Times)
        assert isinstance(theirs, Times)
        assert times.candidate.tolist() == theirs.candidate.tolist()


def test_one_row_a_sample_stands_for_all_its_replicates(measured: RunMeasurements) -> None:
    found = observe(
        measured, "SELECT sample, count(*) AS y FROM requests GROUP BY 1", "mean", suites=["load"]
    )

    assert isinstance(found, Sums)
    assert (found.n, found.totals) == (40, (80, 40))


def test_an_error_may_have_been_what_the_query_looks_for(measured: RunMeasurements) -> None:
    sql = "SELECT sample, replicate, false AS y FROM requests"

    low = observe(measured, sql, "proportion", suites=["quality"])
    high = observe(measured, sql, "proportion", suites=["quality"], better="high")
    pairs = observe(measured, sql, "proportion", suites=["quality"], paired=True)

    assert isinstance(low, Proportion)
    assert (low.n, low.events, low.unknown) == (120, 0, 10)
    assert isinstance(high, Proportion)
    assert high.unknown == 0
    assert isinstance(pairs, PairedProportion)
    assert pairs.high.candidate_only == 10


def test_declared_facts_can_be_asked(measured: RunMeasurements) -> None:
    sql = "SELECT sample, value AS y FROM requests, facts WHERE replicate = 0"

    found = observe(measured, sql, "mean", suites=["load"])

    assert isinstance(found, Sums)
    assert found.totals == (100_000_000, 40_000_000)


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT sample, NULL::INT AS y FROM requests", "own_incomplete"),
        ("SELECT sample, 1 AS y FROM requests", "own_twice"),
        ("SELECT sample, 1 AS y FROM requests WHERE false", "own_no_rows"),
        ("SELECT sample, answer AS y FROM requests", "own_type"),
        ("SELECT * FROM read_text('/etc/passwd')", "own_outside"),
    ],
)
def test_what_gives_no_metric_is_missing_and_never_zero(
    measured: RunMeasurements, sql: str, code: str
) -> None:
    found = observe(measured, sql, "mean", suites=["load"])

    assert isinstance(found, Missing)
    assert found.code == code
    assert found.settle


def test_only_the_same_samples_of_both_are_compared(measured: RunMeasurements) -> None:
    sql = "SELECT sample, 1 AS y FROM requests WHERE replicate = 0 AND status = 'ok'"

    found = observe(measured, sql, "mean", suites=["quality"], paired=True)

    assert isinstance(found, Missing)
    assert found.code == "unpaired"


def test_a_release_alone_and_a_suite_that_only_one_has_run_are_measured(tmp_path: Path) -> None:
    run = make_run(tmp_path, run=describe({"load": 3, "safety": 5}, baseline_suites=("load",)))
    sql = "SELECT sample, 1 AS y FROM requests"
    with open_tables(tmp_path, run) as connection:
        both = RunMeasurements(connection, CANDIDATE, BASELINE, None, tmp_path)
        found = observe(both, sql, "mean", suites=["safety"])
        compared = observe(both, sql, "mean", suites=["safety"], paired=True)
    with open_tables(tmp_path, run) as connection:
        alone = RunMeasurements(connection, CANDIDATE, None, None, tmp_path)
        single = observe(alone, sql, "mean", suites=["safety"])

    assert isinstance(found, Sums)
    assert found == single
    assert found.n == 5
    assert isinstance(compared, Missing)
    assert compared.code == "unpaired"


def test_nothing_is_asked_of_a_run_that_still_grows(tmp_path: Path) -> None:
    run = make_run(tmp_path, run=describe({"load": 3}))
    with open_tables(tmp_path, run) as connection:
        growing = RunMeasurements(connection, CANDIDATE, BASELINE)

        found = observe(growing, "SELECT sample, 1 AS y FROM requests", "mean")

    assert isinstance(found, Missing)
    assert found.code == "own_unmeasured"


def test_a_quantile_that_reads_facts_is_asked_again_of_other_facts(
    measured: RunMeasurements,
) -> None:
    sql = """
        SELECT sample, replicate, round(sum(latency_us) / (SELECT value FROM facts))::BIGINT AS y
        FROM requests GROUP BY sample, replicate
    """
    facts = measured._facts
    assert facts is not None
    (hours,) = facts.facts
    doubled = facts.model_copy(update={"facts": (hours.model_copy(update={"value": 5.0}),)})

    before = observe(measured, sql, "quantile", suites=["load"], quantile=0.95)
    after = observe(measured.given(doubled), sql, "quantile", suites=["load"], quantile=0.95)

    assert isinstance(before, Times)
    assert isinstance(after, Times)
    assert after.candidate.sum() == pytest.approx(before.candidate.sum() / 2, rel=1e-3)
