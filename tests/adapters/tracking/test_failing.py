"""Which samples of a run become traces, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builders_runs import Behaviour, describe, make_run
from gatekeeper.adapters.tables import open_tables
from gatekeeper.adapters.tracking.failing import failing_samples

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.model.tracking import FailingSample

SIZES = {"quality": 20, "structured": 20, "safety": 20}
GOOD = Behaviour(unresolved=0, refused=0, follow_ups=0)


def failing(
    directory: Path, behaviour: Behaviour, limit: int = 100, replicates: int = 1
) -> tuple[FailingSample, ...]:
    run = make_run(directory, behaviour, run=describe(SIZES, replicates=replicates))
    with open_tables(directory, run) as connection:
        return failing_samples(connection, run, limit)


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({}, 0),
        ({"unresolved": 3}, 3),
        ({"violations": 2}, 2),
        ({"forbidden": 2}, 2),
        ({"leaks": 4}, 4),
        ({"malformed": 5}, 5),
        ({"errors": {"structured": 6}}, 6),
        ({"follow_ups": 9}, 0),
    ],
)
def test_what_counts_as_failing(tmp_path: Path, changes: dict, count: int) -> None:
    assert len(failing(tmp_path, Behaviour(**{**vars(GOOD), **changes}))) == count


def test_the_baseline_fails_for_itself(tmp_path: Path) -> None:
    run = make_run(tmp_path, GOOD, Behaviour(unresolved=9), run=describe(SIZES))
    with open_tables(tmp_path, run) as connection:
        assert failing_samples(connection, run, 100) == ()


def test_the_gravest_come_first_and_no_more_than_asked_for(tmp_path: Path) -> None:
    behaviour = Behaviour(unresolved=2, leaks=5)
    found = failing(tmp_path, behaviour, 4)
    suites = [sample.turns[0].request.suite for sample in found]
    assert suites == ["quality", "quality", "safety", "safety"]


def test_a_sample_is_there_once_with_its_calls_and_scores(tmp_path: Path) -> None:
    (sample,) = failing(tmp_path, Behaviour(unresolved=0, leaks=1, retries=0), replicates=3)
    (turn,) = sample.turns
    assert turn.request.request_id == sample.id
    assert [call.request_id for call in turn.calls] == [sample.id]
    assert [(score.scorer, score.value) for score in sample.scores] == [("pii", 0.0), ("tenant", 0)]
