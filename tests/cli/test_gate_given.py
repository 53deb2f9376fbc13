"""What a person gives `gatekeeper gate`: limits to try, rules to skip, facts, environments."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from builders import write
from builders_runs import Behaviour, describe, make_run
from delivery import Delivery, make_delivery
from gatekeeper.cli.wiring import store_of
from gatekeeper.model.run import RunRelease
from gatekeeper.model.statement import VERDICT
from typed import Line

if TYPE_CHECKING:
    from pathlib import Path

FILE = "gates/desk.yaml"
STRICT = """\
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: desk, owner: quality, effective: 2026-01-01}
sections:
  quality:
    owner: product
    rules:
      - {metric: resolved_rate, min: 0.6}
      - {metric: follow_up_ratio, max: 0.9, skippable: true}
  security: {forbidden_tool_call: 0}
"""
LENIENT = STRICT.replace("min: 0.6", "min: 0.5")
HOURS = {"review": 40, "rework": 10, "remediation": 10, "delivery": 400}
FACTS = """\
apiVersion: gatekeeper/v1
kind: Facts
owner: delivery
period: {from: 2026-07-01, to: 2026-09-30}
facts:
""" + "".join(
    f"  - {{name: {name}_hours, value: {hours}, unit: hours, source: sheets, recorded_by: ada}}\n"
    for name, hours in HOURS.items()
)
SIZES = {"quality": 300, "safety": 750}


class Desk(Line):
    """The command line in a project."""

    def __init__(self, delivery: Delivery, capsys: pytest.CaptureFixture[str]) -> None:
        super().__init__(capsys)
        self.delivery = delivery

    def gate(self, *words: str, code: int = 0, name: str = "first") -> dict[str, Any]:
        return self.json("gate", name, "--policy", FILE, *words, code=code)

    @property
    def kept(self) -> int:
        """Verdicts that are kept on the first release."""
        return len(store_of(self.delivery.project).referrers(self.delivery.v1, VERDICT))


@pytest.fixture
def line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    """A run of the first release that resolves 96 %, and one of the second that does 60 %."""
    made = make_delivery(tmp_path)
    monkeypatch.chdir(made.root)
    monkeypatch.setenv("GATEKEEPER_ACTOR", "ada")
    write(made.root / FILE, STRICT)
    add(made, "first", made.v1, None, Behaviour())
    add(made, "second", made.v2, made.v1, Behaviour(unresolved=120))
    return Desk(made, capsys)


def add(made: Delivery, name: str, about: str, baseline: str | None, how: Behaviour) -> None:
    now = datetime.now(UTC)
    described = describe(
        SIZES,
        candidate=RunRelease(name="desk", digest=about),
        baseline=RunRelease(name="desk", digest=baseline) if baseline else None,
        started=now,
        ended=now,
    )
    make_run(made.project.runs / name, how, run=described.model_copy(update={"id": name}))


def test_a_limit_is_tried_and_nothing_is_kept(line: Desk) -> None:
    found = line.gate("--what-if", "quality.resolved_rate_min=0.99", code=1)
    assert found["rules"][1]["limit"] == 0.99
    assert found["inputs"]["limits"] == {"quality.resolved_rate_min": 0.99}
    assert "not kept" in line.err
    assert line.kept == 0
    assert line.gate()["outcome"] == "pass"
    assert line.kept == 1


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("quality.resolve=0.9", "no rule 'quality.resolve'"),
        ("quality.resolved_rate_min=90", "90 is no limit of a rate"),
        ("quality.resolved_rate_min=nan", "gives no number"),
        ("security.forbidden_tool_call=3", "no limit that could be another"),
    ],
)
def test_a_limit_that_cannot_be_tried(line: Desk, word: str, said: str) -> None:
    assert line("gate", "first", "--policy", FILE, "--what-if", word) == 2
    assert said in line.err


def test_a_rule_is_skipped_by_somebody_for_a_reason(line: Desk) -> None:
    words = ("--skip", "quality.follow_up_ratio_max", "--reason", "labels are late")
    found = line.gate(*words, "--actor", "grace")
    skipped = {one["rule"]: one["skip"] for one in found["rules"] if one["outcome"] == "skipped"}
    assert skipped == {"quality.follow_up_ratio_max": {"by": "grace", "reason": "labels are late"}}
    assert line.kept == 1
    assert line("gate", "first", "--verify") == 0, line.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--skip", "quality.resolved_rate_min", "--reason", "r"), "lets nobody skip"),
        (("--skip", "quality.follow_ups", "--reason", "r"), "no rule 'quality.follow_ups'"),
        (("--skip", "quality.follow_up_ratio_max"), "nobody says why"),
        (("--reason", "r"), "a reason for nothing"),
    ],
)
def test_a_rule_that_cannot_be_skipped(line: Desk, words: tuple[str, ...], said: str) -> None:
    assert line("gate", "first", "--policy", FILE, *words) == 2
    assert said in line.err
    assert line.kept == 0


def test_facts_come_from_the_policy_or_from_the_command_line(line: Desk) -> None:
    text = STRICT + "  cost: {verification_tax_ratio_max: 0.5}\n"
    write(line.delivery.root / FILE, text)
    assert line.gate(code=3)["outcome"] == "error"
    write(line.delivery.root / "facts/q3.yaml", FACTS)
    found = line.gate("--facts", "facts/q3.yaml")
    taxed = next(one for one in found["rules"] if one["section"] == "cost")
    assert (
        taxed["reason"]
        == "0.150 h/h, at most 0.150 h/h as the facts are declared; allowed: at most 0.500 h/h"
    )
    assert found["inputs"]["facts"]["facts"][0]["name"] == "review_hours"
    by_hand = "the facts were given by hand (--facts), not by the policy"
    assert by_hand in found["warnings"]
    assert line("gate", "first", "--verify") == 0, line.out
    write(line.delivery.root / FILE, text.replace("sections:", "facts: facts/q3.yaml\nsections:"))
    again = line.gate()
    assert again["inputs"]["facts"] == found["inputs"]["facts"]
    assert by_hand not in again["warnings"]
    write(line.delivery.root / FILE, text.replace("sections:", "facts: facts/q4.yaml\nsections:"))
    assert line("gate", "first", "--policy", FILE) == 2
    assert "gates/desk.yaml:4:8: facts: facts/q4.yaml" in line.err


def test_a_kept_verdict_is_verified_as_it_was_given(line: Desk) -> None:
    line.gate()
    assert line("gate", "first", "--verify", "--what-if", "a=1") == 2
    assert "cannot be given with --verify" in line.err


def test_a_policy_that_demands_less_is_found_out_and_needs_an_approval(line: Desk) -> None:
    v1, v2 = line.delivery.v1, line.delivery.v2
    line.gate()
    assert line("promote", v1, "--env", "local") == 0
    assert line.gate(name="second", code=3)["loosened"] == []
    write(line.delivery.root / FILE, LENIENT)
    found = line.gate(name="second")
    assert found["loosened"] == [
        {"rule": "quality.resolved_rate_min", "what": "limit", "before": "0.6", "after": "0.5"}
    ]
    assert found["needs_approval"] is True
    assert line("promote", v2, "--env", "local") == 1
    assert "policy-loosened" in line.out
    words = ("--release", v2, "--reason", "half the price")
    assert line("policy", "approve", FILE, *words) == 0, line.err
    assert line("promote", v2, "--env", "local") == 0, line.out
    assert line("gate", "second", "--verify") == 0, line.out


def test_what_would_have_passed_before_needs_none(line: Desk) -> None:
    line.gate()
    assert line("promote", line.delivery.v1, "--env", "local") == 0
    add(line.delivery, "third", line.delivery.v2, line.delivery.v1, Behaviour())
    write(line.delivery.root / FILE, LENIENT)
    found = line.gate(name="third")
    assert (len(found["loosened"]), found["needs_approval"]) == (1, False)
    assert line("promote", line.delivery.v2, "--env", "local") == 0


def eased(line: Desk) -> None:
    """The second release comes by a policy that demands less, and would have come before."""
    line.gate()
    assert line("promote", line.delivery.v1, "--env", "local") == 0
    add(line.delivery, "third", line.delivery.v2, line.delivery.v1, Behaviour())
    write(line.delivery.root / FILE, LENIENT)
    assert line.gate(name="third")["needs_approval"] is False


def test_a_limit_cannot_be_eased_by_one_release_for_the_next(line: Desk) -> None:
    eased(line)
    v1, v2 = line.delivery.v1, line.delivery.v2
    assert line("promote", v2, "--env", "local") == 0
    assert "nobody has approved of that" in line.out
    add(line.delivery, "fourth", v1, v2, Behaviour(unresolved=120))
    found = line.gate(name="fourth")
    assert (len(found["loosened"]), found["needs_approval"]) == (1, True)
    assert line("promote", v1, "--env", "local") == 1
    assert "policy-loosened" in line.out
    assert line("policy", "approve", FILE, "--release", v1, "--reason", "agreed") == 0, line.err
    assert line("promote", v1, "--env", "local") == 0, line.out


def test_a_limit_that_was_eased_with_an_approval_is_what_the_next_is_held_against(
    line: Desk,
) -> None:
    eased(line)
    v1, v2 = line.delivery.v1, line.delivery.v2
    assert line("policy", "approve", FILE, "--release", v2, "--reason", "agreed") == 0, line.err
    assert line("promote", v2, "--env", "local") == 0
    assert "approved" not in line.out
    add(line.delivery, "fourth", v1, v2, Behaviour(unresolved=120))
    assert line.gate(name="fourth")["loosened"] == []
    assert line("promote", v1, "--env", "local") == 0, line.out


def test_a_rule_that_could_not_be_skipped_before_is_decided_by_the_policy_before(
    line: Desk,
) -> None:
    line.gate()
    assert line("promote", line.delivery.v1, "--env", "local") == 0
    write(line.delivery.root / FILE, STRICT.replace("min: 0.6", "min: 0.6, skippable: true"))
    skip = ("--skip", "quality.resolved_rate_min", "--reason", "in a hurry")
    found = line.gate(*skip, name="second")
    assert [(one["what"], one["after"]) for one in found["loosened"]] == [("skippable", "yes")]
    assert found["needs_approval"] is True


def test_another_environment_has_another_policy_before(line: Desk) -> None:
    line.gate()
    assert line("promote", line.delivery.v1, "--env", "local") == 0
    write(line.delivery.root / FILE, LENIENT)
    assert line.gate("--env", "prod", name="second")["loosened"] == []
    assert line("promote", line.delivery.v2, "--env", "local") == 3
    assert "verdict-before" in line.out


def test_what_is_wrong_with_a_ledger_is_told_and_keeps_nothing_from_being_decided(
    line: Desk,
) -> None:
    line.gate()
    assert line("promote", line.delivery.v1, "--env", "local") == 0
    (line.delivery.ledger() / "00000001.json").write_bytes(b"{}")
    write(line.delivery.root / FILE, LENIENT)
    assert line.gate(name="second")["inputs"]["before"] is None
    assert "the policy that decided what is stable in local is not known" in line.err
