"""A policy's own SQL, from the policy's file to the signed verdict."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from builders_runs import Behaviour, describe, make_run
from delivery import Delivery, make_delivery
from gatekeeper.cli.main import run
from gatekeeper.errors import InputError
from gatekeeper.model.run import RunRelease

if TYPE_CHECKING:
    from collections.abc import Iterator

GUIDE = Path(__file__).parents[2] / "docs/own-metrics.md"
RUN = "20261120-120000-abcdef"
POLICY = """\
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: own, owner: desk, effective: 2026-11-01}
metrics:
  costly:
    kind: proportion
    better: low
    suites: [quality]
    definition: share of samples that cost more than 110,000 nano-USD
    look_at: the prompt
    sql: |
      SELECT sample, sum(nano_usd) > 110000 AS y
      FROM calls GROUP BY sample
sections:
  cost: {costly_max: LIMIT}
"""


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    """A project with a sealed run of 200 samples, 98 of which cost more than 110,000."""
    made = make_delivery(tmp_path_factory.mktemp("project"))
    described = describe(
        {"quality": 200}, candidate=RunRelease(name="desk", digest=made.v1), baseline=None
    )
    make_run(made.project.runs / RUN, Behaviour(retries=0), run=described)
    return made


@pytest.fixture
def gate(delivery: Delivery, capsys: pytest.CaptureFixture[str]) -> Iterator[object]:
    def decide(policy: str) -> tuple[int, str]:
        path = delivery.root / "gates/own.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(policy)
        where = ("--project", str(delivery.root), "--policy", str(path))
        code = run(["gate", RUN, *where, "--no-record", "-o", "json"])
        return code, capsys.readouterr().out

    return decide


@pytest.mark.parametrize(
    ("limit", "code", "outcome"),
    [("0.7", 0, "pass"), ("0.3", 1, "fail"), ("0.5", 3, "inconclusive")],
)
def test_an_own_metric_decides(gate, limit: str, code: int, outcome: str) -> None:
    exit_code, out = gate(POLICY.replace("LIMIT", limit))

    (rule,) = json.loads(out)["rules"]
    assert (exit_code, rule["outcome"], rule["n"]) == (code, outcome, 200)
    assert rule["rule"] == "cost.costly_max"
    assert rule["low"] < rule["estimate"] < rule["high"]
    assert rule["method"].startswith("Clopper-Pearson")


def test_a_hostile_policy_is_refused_at_its_line(gate) -> None:
    hostile = POLICY.replace("FROM calls", "FROM calls, read_text('/etc/passwd')")

    with pytest.raises(InputError) as refused:
        gate(hostile.replace("LIMIT", "0.5"))

    (problem,) = refused.value.problems
    assert (problem.file, problem.line) == ("gates/own.yaml", 11)
    assert problem.path == "metrics.costly.sql"
    assert "line 2, column 13: read_text() reads something other" in problem.message


def test_a_query_that_gives_nothing_usable_is_an_error_of_its_rule(gate) -> None:
    code, out = gate(POLICY.replace("> 110000", "/ 0").replace("LIMIT", "0.5"))

    (rule,) = json.loads(out)["rules"]
    assert (code, rule["outcome"], rule["code"]) == (3, "error", "own_not_finite")
    assert "its own query cannot be used: y is NaN or infinite in 200 of 200 rows" in rule["reason"]


def test_the_policy_of_the_guide_decides(gate) -> None:
    found = re.search(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    policy = found[1].replace("_max_increase: 0.05", "_max: 500")

    code, out = gate(policy)

    rules = {rule["rule"]: rule for rule in json.loads(out)["rules"]}
    assert code == 0
    assert rules["quality.long_answers_max"]["estimate"] == 0
    assert rules["cost.output_tokens_per_request_max"]["unit"] == "tokens"
