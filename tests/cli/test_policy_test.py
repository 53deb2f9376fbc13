"""`gatekeeper policy test`: labelled past runs before a policy."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from builders import write
from builders_runs import Behaviour, describe, make_run
from delivery import Delivery, make_delivery
from gatekeeper.cli.boundary import guarded
from gatekeeper.cli.main import run
from gatekeeper.model.run import RunRelease

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parents[1] / "golden" / "policy"
TEST = """\
apiVersion: gatekeeper/v1
kind: PolicyTest
name: desk
policy: gates/desk.yaml
cases:
  - run: good
    expect: pass
    why: served in spring without a complaint
    rules: {quality.resolved_rate_min: pass}
  - run: bad
    expect: fail
    why: rolled back after a day
"""
LENIENT = """\
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: desk, owner: quality, effective: 2026-01-01}
sections:
  quality: {owner: quality, resolved_rate_min: 0.05}
"""


@pytest.fixture
def delivery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Delivery:
    """A project with a run that was good and one that was not, both of long ago."""
    made = make_delivery(tmp_path)
    monkeypatch.chdir(made.root)
    write(made.root / "gates/desk.test.yaml", TEST)
    ended = datetime.now(UTC) - timedelta(days=400)
    for name, behaviour in (("good", Behaviour()), ("bad", Behaviour(unresolved=80))):
        described = describe(
            {"quality": 100},
            candidate=RunRelease(name="desk", digest=made.v1),
            baseline=None,
            started=ended,
            ended=ended,
        ).model_copy(update={"id": name})
        make_run(made.project.runs / name, behaviour, run=described)
    return made


def test_past_runs_come_out_as_they_should(
    delivery: Delivery, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["policy", "test", "gates/desk.test.yaml", "--output", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(one["run"], one["found"], one["as_expected"]) for one in found["cases"]] == [
        ("good", "pass", True),
        ("bad", "fail", True),
    ]
    assert found["cases"][1]["deciding"] == ["quality.resolved_rate_min"]
    assert delivery.project.runs.exists()


def test_another_policy_can_be_tried_and_what_it_misses_is_told(
    delivery: Delivery, capsys: pytest.CaptureFixture[str], golden: Callable[[Path, str], None]
) -> None:
    write(delivery.root / "gates/lenient.yaml", LENIENT)
    words = ["policy", "test", "gates/desk.test.yaml", "--policy", "gates/lenient.yaml"]
    report = delivery.root / "test.xml"
    assert run([*words, "--report", f"junit={report}"]) == 1
    golden(GOLDEN / "test.txt", capsys.readouterr().out)
    suite = ET.parse(report).getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    failure = suite[1].find("failure")
    assert failure is not None
    assert failure.get("message") == "expected fail, found pass"


def test_a_stricter_policy_names_what_it_stops(
    delivery: Delivery, capsys: pytest.CaptureFixture[str], golden: Callable[[Path, str], None]
) -> None:
    write(delivery.root / "gates/desk.yaml", LENIENT.replace("0.05", "0.99"))
    assert run(["policy", "test", "gates/desk.test.yaml"]) == 1
    golden(GOLDEN / "test-strict.txt", capsys.readouterr().out)


def test_a_policy_of_tomorrow_can_be_tested_on_the_past(delivery: Delivery) -> None:
    later = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%d")
    write(delivery.root / "gates/desk.yaml", LENIENT.replace("0.05", "0.5").replace(
        "2026-01-01", later
    ))  # fmt: skip
    assert run(["policy", "test", "gates/desk.test.yaml"]) == 0


def test_all_that_a_test_gets_wrong_is_told_at_its_line(
    delivery: Delivery, capsys: pytest.CaptureFixture[str]
) -> None:
    text = TEST.replace("run: bad", "run: worse").replace(
        "resolved_rate_min: pass", "resolve: pass"
    )
    write(delivery.root / "gates/desk.test.yaml", text)
    words = ["policy", "test", "gates/desk.test.yaml"]
    assert guarded(lambda: run(words), words) == 2
    told = capsys.readouterr().err
    assert "gates/desk.test.yaml:9:30" in told
    assert "no rule 'quality.resolve'; did you mean 'quality.resolved_rate_min'?" in told
    assert "gates/desk.test.yaml:10:10" in told
    assert "'worse': no such run" in told


def test_a_test_is_not_written_as_a_verdict_is(
    delivery: Delivery, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["policy", "test", "gates/desk.test.yaml", "--report", "sarif=a.sarif"]
    assert guarded(lambda: run(words), words) == 2
    assert "a test is not written as sarif" in capsys.readouterr().err
    assert not (delivery.root / "a.sarif").exists()


@pytest.mark.parametrize("format_", ["text", "json"])
def test_the_answer_can_be_kept_beside_the_text(delivery: Delivery, format_: str) -> None:
    words = ["policy", "test", "gates/desk.test.yaml", "--report", f"{format_}=answer"]
    assert run(words) == 0
    assert "desk" in (delivery.root / "answer").read_text()
