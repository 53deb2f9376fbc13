"""The verbs of gate policies as a person calls them."""

from __future__ import annotations

import io
import json
import re
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from builders import write
from delivery import POLICY, Delivery, failing, make_delivery
from evaluating import make_desk
from gatekeeper.adapters.policies import read_policy
from gatekeeper.adapters.records import RunRecords
from gatekeeper.cli.boundary import guarded
from gatekeeper.cli.main import run
from gatekeeper.model.record import RequestRow
from gatekeeper.model.verdict import Inputs, Loosened, PastPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parents[1] / "golden" / "policy"
SARIF = Path(__file__).parents[1] / "fixtures/schemas/sarif-2.1.0.json"
FILE = "gates/desk.yaml"
LENIENT = """\
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: desk, owner: quality, version: "2", effective: 2026-01-01}
multiplicity: holm
sections:
  quality:
    owner: quality
    resolved_rate_min: 0.4
    must_pass: [refund]
    rules:
      - {metric: follow_up_ratio, max: 0.2, severity: warn}
"""


@pytest.fixture
def delivery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Delivery:
    made = make_delivery(tmp_path)
    monkeypatch.chdir(made.root)
    monkeypatch.setenv("GATEKEEPER_ACTOR", "ada")
    write(made.root / "gates/lenient.yaml", LENIENT)
    return made


def call(*words: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = guarded(lambda: run(list(words)), words)
    return code, out.getvalue(), err.getvalue()


def answer(*words: str) -> dict[str, Any]:
    code, out, err = call(*words, "--output", "json")
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def lasting(text: str) -> str:
    return re.sub(r"sha256:[0-9a-f]{12}", "sha256:DIGEST", text)


def document(delivery: Delivery, file: str = FILE) -> dict[str, Any]:
    policy = read_policy(delivery.root / file, delivery.project).value
    return policy.model_dump(mode="json", exclude_unset=True)


def active(delivery: Delivery) -> None:
    """The first release is stable, decided by the strict policy."""
    delivery.decide(delivery.v1, inputs=Inputs(policy=document(delivery)))
    assert call("promote", delivery.v1, "--env", "local")[0] == 0


def test_the_difference_of_two_policies(
    delivery: Delivery, golden: Callable[[Path, str], None]
) -> None:
    code, out, err = call("policy", "diff", FILE, "gates/lenient.yaml")
    assert (code, err) == (0, "")
    golden(GOLDEN / "diff.txt", lasting(out))
    assert delivery.v1  # nothing has to be promoted for this


def test_the_difference_to_what_decided_the_stable_release(delivery: Delivery) -> None:
    active(delivery)
    write(delivery.root / FILE, LENIENT)
    found = answer("policy", "diff", "env:local", FILE)
    changes = {(one["rule"], one["what"]): one["direction"] for one in found["changes"]}
    assert changes == {
        ("policy", "multiplicity"): "loosened",
        ("policy", "review_by"): "none",
        ("quality.resolved_rate_min", "limit"): "loosened",
        ("quality.must_pass", "added"): "tightened",
        ("quality.follow_up_ratio_max", "added"): "none",
    }
    assert (found["old"]["version"], found["new"]["version"]) == (None, "2")


def test_a_difference_fits_into_a_narrow_terminal(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(columns: int) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(columns))
        return call("policy", "diff", FILE, "gates/lenient.yaml")[1].splitlines()

    assert delivery.v1
    assert max(map(len, told(60))) <= 60 < max(map(len, told(160)))
    assert [word for line in told(60) for word in line.split()] == [
        word for line in told(160) for word in line.split()
    ]


def test_a_policy_is_no_different_from_itself(delivery: Delivery) -> None:
    code, out, _ = call("policy", "diff", FILE, FILE)
    assert (code, "no difference" in out) == (0, True)
    code, _, err = call("policy", "diff", "env:local", FILE)
    assert code == 3
    assert "decided what is stable here" in err
    assert delivery.root.exists()


def test_a_looser_policy_is_approved_of_and_then_promoted_by(
    delivery: Delivery, golden: Callable[[Path, str], None]
) -> None:
    active(delivery)
    before = PastPolicy(policy=document(delivery))
    write(delivery.root / FILE, POLICY.replace("0.5", "0.4"))
    delivery.decide(
        delivery.v2,
        delivery.v1,
        inputs=Inputs(policy=document(delivery), before=before),
        needs_approval=True,
        loosened=(
            Loosened(rule="quality.resolved_rate_min", what="limit", before="0.5", after="0.4"),
        ),
    )
    told = []
    for words in (
        ["promote", delivery.v2, "--env", "local"],
        ["policy", "approve", FILE, "--release", delivery.v2, "--reason", "half the price"],
        ["promote", delivery.v2, "--env", "local"],
    ):
        code, out, err = call(*words)
        err = re.sub(r"^hash model files: done\n", "", err, flags=re.MULTILINE)
        told.append(f"$ gatekeeper {' '.join(words)}\n{out}{err}exit {code}\n")
    text = "\n".join(told).replace(delivery.v2[7:], "V2").replace(delivery.v2[7:19], "V2")
    golden(GOLDEN / "approval.txt", lasting(text.replace(delivery.v1[7:19], "V1")))


def test_an_approval_says_why(delivery: Delivery) -> None:
    active(delivery)
    write(delivery.root / FILE, LENIENT)
    common = ["policy", "approve", FILE, "--release", delivery.v2]
    assert call(*common, "--reason", " ")[0] == 2
    found = answer(*common, "--reason", "a model of half the price", "--actor", "grace")
    assert (found["release"], found["approval"]["actor"]) == (delivery.v2, "grace")
    assert found["approval"]["policy"] == delivery.policy
    assert found["statement"].startswith("sha256:")


def test_the_difference_of_two_releases_shows_that_of_their_gates(
    delivery: Delivery, golden: Callable[[Path, str], None]
) -> None:
    releases = ("diff", delivery.v1, delivery.v2)
    strict = Inputs(policy=document(delivery))
    delivery.decide(delivery.v1, inputs=strict)
    delivery.decide(delivery.v2, inputs=strict)
    assert answer(*releases)["gate_policy"] is None
    write(delivery.root / FILE, LENIENT)
    delivery.decide(delivery.v2, inputs=Inputs(policy=document(delivery)))
    shown = [call(*releases)[1].partition("gate policy")[2]]
    shown.append(call(*releases, "--format", "markdown")[1].partition("#### Gate policy")[2])
    golden(GOLDEN / "release-diff.txt", lasting("\n".join(shown)))
    assert len(answer(*releases)["gate_policy"]["changes"]) == 5


SET = """\
apiVersion: gatekeeper/v1
kind: EvalSet
name: desk-quality
owner: quality
licence: CC0-1.0
split: held_out
suite: quality
file: eval_sets/quality.jsonl
scorers: [exact]
"""
CHECKED = """\
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: desk, owner: quality, effective: 2026-01-01, review_by: 2026-02-01}
sections:
  quality:
    owner: product
    must_pass: [s1, s99]
    rules:
      - {metric: resolved_rate, min: 0.8, by: topic, slices: worst}
      - {metric: resolved_rate, max_decrease: 0.08, detect: 0.05}
      - {metric: success_rate, min: 0.995, severity: warn}
  security:
    forbidden_tool_call: 0
require: [{sbom_attached: true}]
"""


def test_the_rules_of_a_policy_and_what_its_eval_sets_can_show(
    delivery: Delivery, golden: Callable[[Path, str], None]
) -> None:
    write(delivery.root / FILE, CHECKED)
    write(delivery.root / "eval_sets/quality.yaml", SET)
    samples = (
        {"id": f"s{n}", "input": "?", "tags": {"topic": "ab"[n % 2]}, "expect": {"exact": "!"}}
        for n in range(80)
    )
    write(delivery.root / "eval_sets/quality.jsonl", "\n".join(map(json.dumps, samples)) + "\n")
    words = ("policy", "check", FILE, "--set", "eval_sets/quality.yaml")
    code, out, err = call(*words)
    assert code == 0
    golden(GOLDEN / "check.txt", lasting(f"{out}\n{err}"))
    found = answer(*words)
    assert found["rules"][0]["n"] == 40
    told = " ".join(err.split())
    assert [one for one in found["warnings"] if one not in told] == []
    assert len(found["warnings"]) == len(found["findings"]) == told.count(" instead: ")
    assert {one["code"] for one in found["findings"]} >= {"power", "no-such-sample", "overdue"}
    assert call(*words, "--strict")[0] == 1


def test_what_is_weak_is_shown_at_its_line(delivery: Delivery, tmp_path: Path) -> None:
    write(delivery.root / FILE, CHECKED)
    log = tmp_path / "check.sarif"
    code, out, _ = call("policy", "check", FILE, "--report", f"sarif={log}", "--output", "json")
    assert code == 0
    jsonschema_rs.validator_for(json.loads(SARIF.read_text())).validate(json.loads(log.read_text()))
    (found,) = json.loads(log.read_text())["runs"]
    told = json.loads(out)["findings"]
    assert [one["ruleId"] for one in found["results"]] == [one["code"] for one in told]
    places = {
        one["ruleId"]: one["locations"][0]["physicalLocation"]["region"]["startLine"]
        for one in found["results"]
    }
    assert places == {"overdue": 1, "rules-unpinned": 1, "section-unguarded": 1, "no-evidence": 14}
    assert call("policy", "check", FILE, "--report", "junit=x.xml")[0] == 2


def test_facts_are_named_from_the_root_of_the_project(delivery: Delivery) -> None:
    text = (delivery.root / FILE).read_text(encoding="utf-8")
    write(delivery.root / FILE, text.replace("sections:", "facts: facts.yaml\nsections:"))
    write(delivery.root / "gates/facts.yaml", "beside the policy")
    code, _, err = call("policy", "check", FILE)
    assert code == 2
    assert "accepted: a file's path from the root of the project" in err


def test_rules_are_listed_where_no_set_is_known(delivery: Delivery) -> None:
    found = answer("policy", "check", FILE)
    assert [one["code"] for one in found["findings"]] == ["rules-unpinned", "section-unguarded"]
    assert [rule["name"] for rule in found["rules"]] == ["quality.resolved_rate_min"]
    assert "n" not in found["rules"][0]
    code, _, err = call("policy", "check", FILE, "--release", delivery.v1, "--set", "a.yaml")
    assert (code, "exclude each other" in err) == (2, True)
    assert call("policy", "check", FILE, "--release", delivery.v1)[0] == 2  # it names no sets


def rule(outcome: str, **more: Any) -> dict[str, Any]:
    return {"rules": (failing(outcome)["rules"][0].model_copy(update=more),)}


def test_how_a_policy_has_done(delivery: Delivery, golden: Callable[[Path, str], None]) -> None:
    now = datetime.now(UTC)
    for days in (40, 30):
        delivery.decide(delivery.v1, decided=now - timedelta(days=days), **failing("inconclusive"))
    delivery.decide(delivery.v1, decided=now - timedelta(days=20), **failing("fail"))
    delivery.decide(delivery.v1)
    assert call("promote", delivery.v1, "--env", "local")[0] == 0
    delivery.decide(delivery.v2, delivery.v1, **rule("inconclusive", severity="warn"))
    assert call("promote", delivery.v2, "--env", "local")[0] == 0
    assert call("rollback", "--env", "local")[0] == 0
    code, out, err = call("policy", "report")
    assert (code, err) == (0, "")
    golden(GOLDEN / "report.txt", re.sub(r"@[0-9a-f]{12}", "@DIGEST", out))
    found = answer("policy", "report", "--env", "local")
    (only,) = found["rules"]
    assert only["outcomes"] == {"inconclusive": 3, "fail": 1, "pass": 1}
    assert (only["overridden"], only["promoted"], only["rolled_back"]) == (1, 1, 0)
    assert [one["rolled_back"] is None for one in found["promotions"]] == [True, False]
    recent = (now - timedelta(days=25)).strftime("%Y-%m-%d")
    assert answer("policy", "report", "--since", recent)["verdicts"] == 3
    assert answer("policy", "report", "--env", "prod")["promotions"] == []


def test_a_pass_that_was_rolled_back_is_told(delivery: Delivery) -> None:
    delivery.decide(delivery.v1)
    assert call("promote", delivery.v1, "--env", "local")[0] == 0
    delivery.decide(delivery.v2, delivery.v1)
    assert call("promote", delivery.v2, "--env", "local")[0] == 0
    assert call("rollback", "--env", "local")[0] == 0
    (only,) = answer("policy", "report")["rules"]
    assert (only["promoted"], only["rolled_back"]) == (2, 1)
    assert only["findings"] == ["passed 1 of 2 promotions that were rolled back soon after"]


def test_a_report_of_nothing_and_of_no_day(delivery: Delivery) -> None:
    later = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%d")
    assert answer("policy", "report", "--since", later)["rules"] == []
    assert "no rule was decided" in call("policy", "report", "--since", later)[1]
    code, _, err = call("policy", "report", "--since", "last quarter")
    assert (code, "is no day" in err) == (2, True)
    assert delivery.root.exists()


def test_what_production_says_of_the_rules(delivery: Delivery) -> None:
    text = LENIENT.replace("must_pass: [refund]", "success_rate_min: 0.9").replace(
        "sections:", "sections:\n  security: {forbidden_tool_call: 0}"
    )
    write(delivery.root / FILE, text)
    verdict = {"inputs": Inputs(policy=document(delivery))}
    names = [
        "quality.resolved_rate_min",
        "quality.success_rate_min",
        "security.forbidden_tool_call",
    ]
    rules = tuple(rule("pass", rule=name)["rules"][0] for name in names)
    delivery.decide(delivery.v1, rules=rules, **verdict)
    assert call("promote", delivery.v1, "--env", "local")[0] == 0
    store = RunRecords(delivery.root / "served" / "one")
    for number in range(100):
        store.write([served(delivery.v1, number)])
    store.close()
    with (delivery.root / "served/one/records.jsonl").open("a") as file:
        file.write('{"key": "cut')
    found = {
        one["rule"]: one["online"]
        for one in answer("policy", "report", "--records", "served")["rules"]
    }
    assert found["quality.resolved_rate_min"] is None  # nobody has said yet
    assert (found["quality.success_rate_min"]["estimate"]) == 0.8
    assert found["quality.success_rate_min"]["met"] is False
    assert found["security.forbidden_tool_call"]["met"] is True
    code, out, _ = call("policy", "report", "--records", "served/*/records.jsonl")
    assert (code, "0.8 not met" in out) == (0, True)
    assert "its limit is not met by what was" in out
    assert call("policy", "report", "--records", "nowhere/*")[0] == 2


def served(release: str, number: int) -> RequestRow:
    return RequestRow(
        request_id=f"r{number}",
        time=number,
        lane="stable",
        release=release,
        status="error" if number % 5 == 0 else "ok",
        latency_us=1000,
    )


def test_an_evaluation_warns_before_its_first_request_of_what_it_cannot_show(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEKEEPER_OPENAI_BASE_URL", "http://127.0.0.1:9")  # nobody is asked
    root = make_desk(tmp_path)
    write(root / FILE, CHECKED)
    capsys.readouterr()
    release = "manifests/desk-v1.yaml"
    assert run(["evaluate", str(root / release), "--dry-run", "--project", str(root)]) == 0
    told = " ".join(capsys.readouterr().err.split())
    assert "warning quality.must_pass: no sample of these sets is called or tagged 's1'" in told
    assert "quality.success_rate_min: it cannot pass: 16 samples without a miss" in told
    assert "by which it goes" in told
