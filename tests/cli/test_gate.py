"""`gatekeeper gate` on the command line: answers, exit codes, signed evidence, bad input."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from builders_runs import Behaviour, describe, make_run
from delivery import Delivery, make_delivery
from gatekeeper.adapters.signing import KeyringVerifier
from gatekeeper.cli.gates import parameters_of
from gatekeeper.cli.kept_verdicts import attach, derive_again
from gatekeeper.cli.main import run
from gatekeeper.cli.wiring import keys_of, store_of
from gatekeeper.errors import (
    GatekeeperError,
    InputError,
    IntegrityError,
    UndecidedError,
    UsageError,
)
from gatekeeper.model.run import RunOptions, RunRelease
from gatekeeper.model.statement import VERDICT
from gatekeeper.model.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

SIZES = {"quality": 100}
RUN = "20261120-120000-abcdef"


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    return make_delivery(tmp_path)


def add_run(delivery: Delivery, behaviour: Behaviour | None = None, **changes: object) -> Path:
    now = datetime.now(UTC)
    described = describe(
        SIZES,
        **{
            "candidate": RunRelease(name="desk", digest=delivery.v1),
            "baseline": None,
            "started": now,
            "ended": now,
            **changes,
        },
    )
    directory = delivery.project.runs / RUN
    make_run(directory, behaviour, run=described)
    return directory


def gate(delivery: Delivery, *arguments: str) -> int:
    return run(["gate", RUN, "--project", str(delivery.root), *arguments])


def policy(delivery: Delivery, text: str) -> str:
    (delivery.root / "gates").mkdir(exist_ok=True)
    (delivery.root / "gates/own.yaml").write_text(text)
    return str(delivery.root / "gates/own.yaml")


def verdicts(delivery: Delivery) -> list[dict]:
    """The verdicts of v1 that a gate key signed."""
    verifier = KeyringVerifier(keys_of(delivery.project).keyring())
    return [
        verifier.verify(bundle, role="gate", predicate_type=VERDICT, subject=delivery.v1)
        for _, bundle in store_of(delivery.project).referrers(delivery.v1, VERDICT)
    ]


def test_a_pass_exits_0_and_is_kept_as_signed_evidence(
    delivery: Delivery, capsys: pytest.CaptureFixture[str]
) -> None:
    add_run(delivery)
    before = len(verdicts(delivery))
    assert gate(delivery, "--policy", "gates/desk.yaml", "--output", "json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["outcome"], document["release"]) == ("pass", delivery.v1)
    assert [rule["rule"] for rule in document["rules"]] == ["quality.resolved_rate_min"]
    assert len(verdicts(delivery)) == before + 1


def test_a_fail_exits_1_and_says_why(
    delivery: Delivery, capsys: pytest.CaptureFixture[str]
) -> None:
    add_run(delivery, Behaviour(unresolved=80))
    assert gate(delivery, "--policy", "gates/desk.yaml") == 1
    shown = capsys.readouterr().out
    assert "✗ FAIL" in shown
    assert "look at: unresolved samples of suite quality" in shown


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ('{"release_gate": {"quality": {"resolved_rate_min": 0.96}}}', "inconclusive"),
        ('{"release_gate": {"cost": {"usd_per_resolved_request_max_increase": 0.1}}}', "error"),
    ],
)
def test_what_cannot_be_decided_exits_3(
    delivery: Delivery, text: str, outcome: str, capsys: pytest.CaptureFixture[str]
) -> None:
    add_run(delivery, Behaviour(unresolved=4))
    assert gate(delivery, "--policy", policy(delivery, text), "-o", "json") == 3
    assert json.loads(capsys.readouterr().out)["outcome"] == outcome


def test_a_run_in_which_every_request_failed_is_an_error_that_says_so(
    delivery: Delivery, capsys: pytest.CaptureFixture[str]
) -> None:
    add_run(delivery, Behaviour(errors={"quality": 100}))
    assert gate(delivery, "--policy", "gates/desk.yaml", "--output", "json") == 3
    document = json.loads(capsys.readouterr().out)
    assert document["outcome"] == "error"
    assert [(rule["code"], rule["reason"]) for rule in document["rules"]] == [
        ("all_errors", "all 100 requests ended in an error, most often: no reason")
    ]


def test_one_answer_among_errors_is_decided(
    delivery: Delivery, capsys: pytest.CaptureFixture[str]
) -> None:
    add_run(delivery, Behaviour(errors={"quality": 99}))
    assert gate(delivery, "--policy", "gates/desk.yaml", "--output", "json") == 1
    assert json.loads(capsys.readouterr().out)["outcome"] == "fail"


def test_a_run_can_be_decided_without_keeping_the_verdict(
    delivery: Delivery, tmp_path: Path
) -> None:
    add_run(delivery)
    before = len(verdicts(delivery))
    comment = tmp_path / "comment.md"
    arguments = ("--policy", "gates/desk.yaml", "--no-record", "--report", f"markdown={comment}")
    assert gate(delivery, *arguments) == 0
    assert len(verdicts(delivery)) == before
    assert comment.read_text(encoding="utf-8").startswith("### ✓ Gate: pass")


def test_parameters_come_from_outside(delivery: Delivery) -> None:
    add_run(delivery)
    text = "policy: release_promotion\nrequire: [success_rate >= floor]\n"
    path = policy(delivery, text)
    assert gate(delivery, "--policy", path, "--parameter", "floor=0.9") == 0
    with pytest.raises(InputError) as caught:
        gate(delivery, "--policy", path)
    assert "gates/own.yaml:2:11" in str(caught.value)
    assert "'floor' is required" in str(caught.value)


@pytest.mark.parametrize("word", ["floor", "=1", "floor=", "floor=nan", "floor=inf", "floor=x"])
def test_parameters_that_are_no_numbers(word: str) -> None:
    with pytest.raises(UsageError, match="gives no number"):
        parameters_of([word])


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda path: (path / "calls.parquet").write_bytes(b""), IntegrityError),
        (lambda path: (path / "run.json").write_bytes(b"{"), IntegrityError),
        (lambda path: (path / "run.json").unlink(), UsageError),
    ],
)
def test_a_run_that_was_touched_is_refused(
    delivery: Delivery, spoil: object, error: type[GatekeeperError]
) -> None:
    spoil(add_run(delivery))
    with pytest.raises(error):
        gate(delivery, "--policy", "gates/desk.yaml")


def test_a_run_that_was_not_finished_is_refused(delivery: Delivery) -> None:
    directory = delivery.project.runs / RUN
    make_run(directory, run=describe(SIZES, status="interrupted"), sealed=False)
    with pytest.raises(UndecidedError, match="the run was never finished"):
        gate(delivery, "--policy", "gates/desk.yaml")


def test_the_policy_of_the_manifest_is_the_default(
    delivery: Delivery, capsys: pytest.CaptureFixture[str]
) -> None:
    add_run(delivery)
    assert gate(delivery, "-o", "json") == 0
    assert json.loads(capsys.readouterr().out)["policy_name"] == "desk"


def test_a_release_that_is_not_here_names_no_policy(delivery: Delivery) -> None:
    add_run(delivery, candidate=RunRelease(name="desk", digest="sha256:" + "0" * 64))
    with pytest.raises(GatekeeperError):
        gate(delivery)


CONDITION = """
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: asked, owner: audit, effective: 2026-01-01}
require: [resolved_rate >= least]
"""
RICH = """
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: rich, owner: audit, effective: 2026-01-01}
multiplicity: holm
sections:
  quality:
    owner: product
    must_pass: [quality-00001]
    rules:
      - {metric: resolved_rate, min: 0.7}
      - {metric: resolved_rate, name: by_suite, min: 0.7, by: suite}
      - {metric: follow_up_ratio, max: 0.0001, severity: info}
  cost:
    usd_per_resolved_request_max: 1.0
    tokens_per_verified_outcome_max: 100000
    budget_breach_rate_max: 0.5
"""


def test_a_kept_verdict_is_derived_again_from_the_records(
    delivery: Delivery, capsys: pytest.CaptureFixture[str]
) -> None:
    add_run(delivery)
    assert gate(delivery, "--policy", policy(delivery, RICH)) in {0, 1, 3}
    capsys.readouterr()
    assert gate(delivery, "--verify", "--output", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verified"], found["differences"], found["run"]) == (True, [], RUN)
    assert found["rules"] == 7
    (delivery.root / "gates/own.yaml").unlink()
    assert gate(delivery, "--verify") == 0
    told = capsys.readouterr().out
    assert told.startswith("✓ the verdict follows from the records: ")
    assert max(map(len, told.splitlines())) <= 80


def test_a_verdict_that_does_not_follow_from_the_records_is_refused(
    delivery: Delivery, capsys: pytest.CaptureFixture[str]
) -> None:
    add_run(delivery)
    gate(delivery, "--policy", policy(delivery, RICH))
    kept = Verdict.model_validate_json(json.dumps(verdicts(delivery)[-1].statement.predicate))
    rules = [one.model_copy(update={"estimate": 0.99, "outcome": "pass"}) for one in kept.rules]
    attach(delivery.project, kept.model_copy(update={"rules": tuple(rules), "outcome": "pass"}))
    capsys.readouterr()
    assert gate(delivery, "--verify") == 1
    told = capsys.readouterr().out
    assert "✗ the verdict does not follow from the records" in told
    assert "quality.by_suite, estimate: 0.99 is kept" in told


def test_there_is_nothing_to_verify_before_a_verdict_is_kept(delivery: Delivery) -> None:
    add_run(delivery)
    with pytest.raises(UndecidedError, match="no signed verdict on this run"):
        derive_again(delivery.project, delivery.project.runs / RUN)
    with pytest.raises(UsageError, match="--policy cannot be given with --verify"):
        gate(delivery, "--verify", "--policy", "gates/desk.yaml")


@pytest.mark.parametrize(
    "changes",
    [
        {"ended": "2026-11-30T12:00:00.000000Z"},
        {"status": "interrupted"},
        {"candidate": {"name": "desk", "digest": "sha256:" + "5" * 64}},
    ],
)
def test_a_run_that_was_altered_once_it_was_decided_is_found_out(
    delivery: Delivery, changes: dict[str, object]
) -> None:
    path = add_run(delivery) / "run.json"
    assert gate(delivery) == 0
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    for words in (["--verify"], ["--policy", "gates/desk.yaml"]):
        with pytest.raises(IntegrityError, match=r"not what it was .* verdict \(pass, ") as caught:
            gate(delivery, *words)
        assert caught.value.where == str(path)
    assert len(verdicts(delivery)) == 1


def test_a_run_that_lies_where_another_should_does_not_speak_for_it(delivery: Delivery) -> None:
    directory = add_run(delivery)
    assert gate(delivery) == 0
    other = directory.with_name("20261101-000000-000000")
    shutil.copytree(directory, other)
    for words in (["--verify"], ["--policy", "gates/desk.yaml"]):
        with pytest.raises(IntegrityError, match=f"is of the run {RUN}, and lies where 2026"):
            run(["gate", other.name, "--project", str(delivery.root), *words])
    assert len(verdicts(delivery)) == 1


def test_records_with_numbers_that_cannot_be_added_up_are_refused(delivery: Delivery) -> None:
    add_run(delivery, Behaviour(tokens=2**52))
    with pytest.raises(IntegrityError, match="number that cannot be added up") as caught:
        gate(delivery, "--policy", policy(delivery, RICH))
    assert caught.value.where == str(delivery.project.runs / RUN)


def test_a_verdict_on_a_release_that_is_not_here_is_told_and_not_kept(
    delivery: Delivery, capsys: pytest.CaptureFixture[str]
) -> None:
    add_run(delivery, candidate=RunRelease(name="desk", digest="sha256:" + "5" * 64))
    words = ("--policy", "gates/desk.yaml")
    with pytest.raises(UndecidedError, match="not in the store"):
        gate(delivery, *words)
    assert not capsys.readouterr().out
    assert gate(delivery, *words, "--no-record") == 0


def test_a_run_is_decided_again_by_what_it_was_decided_by(
    delivery: Delivery, capsys: pytest.CaptureFixture[str]
) -> None:
    options = RunOptions(policy=policy(delivery, CONDITION), parameters={"least": 0.99})
    add_run(delivery, options=options)
    assert gate(delivery, "--no-record", "--output", "json") == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["policy_name"], found["parameters"]) == ("asked", {"least": 0.99})
    assert gate(delivery, "--no-record", "--parameter", "least=0.5") == 0
    assert gate(delivery, "--no-record", "--policy", "gates/desk.yaml") == 0
