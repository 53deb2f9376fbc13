"""A policy's own metrics: refused when the policy is read, with the line of the query."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatekeeper.adapters.policies import read_policy
from gatekeeper.adapters.project import Project
from gatekeeper.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

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
