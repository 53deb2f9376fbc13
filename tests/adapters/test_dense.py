"""Large runs by places: the same table as by names, or none at all."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders_metrics import call, fate, request, score
from builders_runs import BASELINE, CANDIDATE, describe, make_run
from gatekeeper.adapters.metrics import RunMeasurements, measurements
from gatekeeper.adapters.metrics.columns import COLUMNS
from gatekeeper.adapters.metrics.dense import make_dense
from gatekeeper.adapters.metrics.places import AmbiguousError, Names, groups, index, places
from gatekeeper.adapters.metrics.trials import make_trials
from gatekeeper.adapters.records import RunRecords
from gatekeeper.adapters.runs import seal
from gatekeeper.adapters.tables import open_tables
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.errors import GatekeeperError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from gatekeeper.model.record import Row

COMPARED = ("resolved_rate", "usd_per_resolved_request", "p95_latency")
OTHER = "sha256:" + "a" * 64
ALL = frozenset((*COLUMNS, "scored"))
ROWS = f"SELECT * FROM (SELECT {', '.join(COLUMNS)}, side, trial & 4095 AS part, suite, sample, replicate, cluster, due FROM trials WHERE side = 1) ORDER BY ALL"  # noqa: E501, S608
SCORES = "SELECT side, scored.suite, sample, replicate, scorer, perfect, wrong, crashed, millionths FROM scored JOIN trials USING (side, trial) ORDER BY ALL"  # noqa: E501


def some_rows(seed: int, *, clustered: bool) -> Iterator[Row]:
    """Conversations with every sort of gap: turns, replicates, retries, tools, nulls, strangers."""
    draw = random.Random(seed)  # noqa: S311 - not a secret
    maybe = (None, False, True)
    number = (None, 0, 1, 7, 2**40)
    for place in range(60):
        sample, release = f"s{place % 25}", draw.choice((CANDIDATE, BASELINE, OTHER))
        for turn in range(draw.choice((1, 1, 2, 3))):
            asked = request(
                sample,
                release,
                request_id=f"{place}:{turn}",
                suite=draw.choice(("quality", "load")) if place % 7 else None,
                cluster=f"c{place % 25 % 4}" if clustered and place % 25 % 5 else None,
                replicate=place % 2,
                turn=turn,
                status=draw.choice(("ok", "ok", "degraded", "blocked", "error")),
                reason=draw.choice((None, "budget_breach")),
                refused=draw.choice(maybe),
                policy_violation=draw.choice(maybe),
                schema_valid=draw.choice(maybe),
                breach_actions=draw.choice((None, (), ("degrade",))),
                forbidden_tool_calls=draw.choice((None, 0, 2)),
                latency_us=draw.choice(number),
                scheduled_us=draw.choice(number),
                fell_back=draw.choice(maybe),
                limited=draw.choice(maybe),
                continues=draw.choice(maybe),
                parent=draw.choice((None, "p")),
            )
            yield asked
            for attempt in range(draw.choice((0, 1, 1, 3))):
                yield call(
                    asked,
                    attempt=draw.choice((None, attempt)) if attempt == 0 else attempt,
                    kind=draw.choice(("model", "model", "tool")),
                    tier=draw.choice((None, "small", ":judge")),
                    outcome=draw.choice(("ok", "ok", "timeout")),
                    nano_usd=draw.choice(number),
                    input_nano_usd=draw.choice(number),
                    saved_nano_usd=draw.choice(number),
                    output_tokens=draw.choice((None, 1, 5)),
                    latency_us=draw.choice(number),
                    time_to_first_token_us=draw.choice(number),
                    inter_token_us=draw.choice(number),
                    unauthorised=draw.choice(maybe),
                )
            for scorer in draw.choice(((), ("pii",), ("pii", "pii", "facts"))):
                yield score(asked, scorer, value=draw.choice((0.0, 0.25, 1.0)))
            for _ in range(draw.choice((0, 1, 2))):
                yield fate(asked, resolved=draw.choice(maybe), follow_up=draw.choice(maybe))
    yield call(request("nobody", request_id="nowhere"))
    yield fate(request("nobody", request_id="nowhere"), resolved=True)
    yield score(request("nobody", request_id="nowhere"), "pii", value=1.0)


def tables(directory: Path, rows: list[Row]) -> DuckDBPyConnection:
    with RunRecords(directory) as records:
        records.write(rows)
    return open_tables(directory, seal(directory, describe({})))


@pytest.mark.parametrize("seed", range(6))
def test_trials_by_places_are_those_by_names(tmp_path: Path, seed: int) -> None:
    rows = list(some_rows(seed, clustered=seed % 2 == 0))
    random.Random(seed).shuffle(rows)  # noqa: S311 - not a secret
    with tables(tmp_path / "dense", rows) as dense, tables(tmp_path / "named", rows) as named:
        assert make_dense(dense, CANDIDATE, BASELINE, ALL)
        make_trials(named, CANDIDATE, BASELINE, ALL)

        assert dense.execute(ROWS).fetchall() == named.execute(ROWS).fetchall()
        assert dense.execute("FROM dependence").fetchall() == (
            named.execute("FROM dependence").fetchall()
        )
        assert dense.execute(SCORES).fetchall() == named.execute(SCORES).fetchall()
        for name in ("resolved", "tokens", "first_token_us"):
            assert make_dense(dense, CANDIDATE, BASELINE, {name})
            one = f"SELECT {name} FROM trials ORDER BY side, suite, sample, replicate"  # noqa: S608
            assert dense.execute(one).fetchall() == named.execute(one).fetchall()


def test_an_empty_run_has_an_empty_table(tmp_path: Path) -> None:
    with tables(tmp_path, []) as connection:
        assert make_dense(connection, CANDIDATE, BASELINE, ALL)
        assert connection.execute("SELECT count(*) FROM trials").fetchall() == [(0,)]


def test_what_hashes_cannot_tell_is_left_to_names(tmp_path: Path) -> None:
    """A request that is there twice, and a trial whose requests name several clusters."""
    once = request("a", cluster="x")
    with tables(tmp_path / "twice", [once, once]) as connection:
        assert not make_dense(connection, CANDIDATE, BASELINE, ALL)
    second = request("a", cluster="y", turn=1)
    with tables(tmp_path / "clusters", [once, second]) as connection:
        assert not make_dense(connection, CANDIDATE, BASELINE, ALL)


def test_a_large_run_is_measured_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path, run=describe({"quality": 50, "load": 40, "safety": 30}, replicates=2))

    def seen() -> list[object]:
        with open_tables(tmp_path, run) as connection:
            found = RunMeasurements(connection, CANDIDATE, BASELINE, None, tmp_path)
            return [
                repr(found.observe(METRICS[name], paired=paired))
                for name in (*COMPARED, "pii_redaction_test_fail")
                for paired in (False, True)
            ] + [
                found.contributions(METRICS[name], paired=paired)
                for name in COMPARED
                for paired in (False, True)
            ]

    small = seen()
    monkeypatch.setattr(measurements, "LARGE", 1)

    assert seen() == small


def test_ambiguity_is_an_error_of_the_project() -> None:
    assert issubclass(AmbiguousError, GatekeeperError)


def named(words: list[int], seconds: list[int] | None = None) -> Names:
    first = np.array(words, np.uint64)
    return Names(first, np.array(words if seconds is None else seconds, np.uint64))


@given(st.lists(st.integers(0, 50), unique=True), st.lists(st.integers(0, 60)))
def test_places_are_those_of_a_dictionary(known: list[int], asked: list[int]) -> None:
    found = places(index(named(known)), named(asked))

    where = {word: place for place, word in enumerate(known)}
    assert found.tolist() == [where.get(word, -1) for word in asked]


@given(st.lists(st.integers(0, 20)))
def test_names_are_numbered_as_they_appear(words: list[int]) -> None:
    numbers: dict[int, int] = {}

    found = groups(index(named(words)))

    assert found.tolist() == [numbers.setdefault(word, len(numbers)) for word in words]


def test_two_names_with_one_hash_are_never_taken_for_one() -> None:
    twins = named([5, 5], [1, 2])

    with pytest.raises(AmbiguousError):
        index(twins)
    with pytest.raises(AmbiguousError):
        places(index(named([5])), named([5], [6]))


def test_a_name_that_is_there_twice_has_no_place() -> None:
    with pytest.raises(AmbiguousError):
        places(index(named([5, 7, 5])), named([7]))


@pytest.mark.parametrize("shift", [0, 32, 60])
def test_names_whose_hashes_share_bits_are_told_apart(shift: int) -> None:
    words = [number << shift for number in range(16)]

    assert places(index(named(words)), named(words[::-1])).tolist() == list(range(16))[::-1]
