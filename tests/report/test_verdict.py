"""Verdicts as people read them: one screen, and a pull request comment. `--update-golden`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.text import Text

from builders_runs import CANDIDATE, ENDED, Behaviour, describe, make_run
from gatekeeper.adapters import yaml
from gatekeeper.adapters.metrics import RunMeasurements
from gatekeeper.adapters.tables import open_tables
from gatekeeper.model.policy import GatePolicy, ReleaseGate, ReleasePromotion
from gatekeeper.ops.gate import decide_run
from gatekeeper.ops.policy import Policy
from gatekeeper.report.verdict import verdict_document, verdict_text
from gatekeeper.report.verdict_markdown import verdict_markdown

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatekeeper.model.policy import AnyPolicy
    from gatekeeper.model.run import Run
    from gatekeeper.model.verdict import Verdict

GOLDEN = Path(__file__).parent.parent / "golden" / "verdicts"
FIXTURES = Path(__file__).parent.parent / "fixtures"
ROOT = FIXTURES.parent.parent
TYPES: tuple[type[AnyPolicy], ...] = (GatePolicy, ReleaseGate, ReleasePromotion)
STEADY = Behaviour(tokens=98, latency_us=20_100)
CASES: dict[str, tuple[Behaviour, Run, str]] = {
    "passing": (STEADY, describe(), "gates/support-desk.yaml"),
    "dearer": (
        Behaviour(unresolved=4, tokens=150, latency_us=20_100),
        describe(),
        "gates/support-desk.yaml",
    ),
    "refusing": (
        Behaviour(refused=40, unresolved=90, latency_us=20_100),
        describe(),
        "gates/support-desk.yaml",
    ),
    "first": (
        STEADY,
        describe(baseline=None, first_release=True),
        "tests/fixtures/policies/release_gate.json",
    ),
    "troubled": (
        Behaviour(errors={"safety": 4, "load": 9}, unscored=2, forbidden=1),
        describe(),
        "tests/fixtures/policies/release_gate.json",
    ),
    "promotion": (STEADY, describe(), "tests/fixtures/policies/release_promotion.yaml"),
    "few": (
        Behaviour(unresolved=1, follow_ups=2, refused=0, retries=1),
        describe({"quality": 20, "safety": 40, "benign": 30, "structured": 30, "load": 30}),
        "gates/support-desk.yaml",
    ),
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    made = {}
    for name, (behaviour, described, path) in CASES.items():
        directory = tmp_path_factory.mktemp(name)
        run = make_run(directory, behaviour, run=described)
        baseline = run.baseline.digest if run.baseline else None
        document = yaml.read(ROOT / path, *TYPES, root=ROOT)
        policy = Policy(document.value, {"allowed_delta": 0.02} if name == "promotion" else {})
        with open_tables(directory, run) as connection:
            measurements = RunMeasurements(connection, CANDIDATE, baseline)
            made[name] = decide_run(run, measurements, policy, decided=ENDED)
    return made


@pytest.mark.parametrize("name", CASES)
def test_text(name: str, verdicts: dict[str, Verdict], golden: Callable[[Path, str], None]) -> None:
    shown = Text.from_markup(verdict_text(verdicts[name])).plain
    golden(GOLDEN / f"{name}.txt", shown + "\n")
    assert all(len(line) <= 80 for line in shown.splitlines())


@pytest.mark.parametrize("name", ["dearer", "troubled"])
def test_markdown(
    name: str, verdicts: dict[str, Verdict], golden: Callable[[Path, str], None]
) -> None:
    golden(GOLDEN / f"{name}.md", verdict_markdown(verdicts[name]))


@pytest.mark.parametrize("name", ["passing", "first"])
def test_the_example_fits_one_screen(name: str, verdicts: dict[str, Verdict]) -> None:
    assert len(verdict_text(verdicts[name]).splitlines()) <= 34


def test_every_rule_that_did_not_pass_says_what_to_look_at_or_do(
    verdicts: dict[str, Verdict],
) -> None:
    for verdict in verdicts.values():
        for rule in verdict.rules:
            if rule.outcome not in {"pass", "not_applicable"} and rule.code != "evidence_absent":
                assert rule.look_at or rule.settle, rule.rule


def test_failing_rules_come_first_in_their_section(verdicts: dict[str, Verdict]) -> None:
    shown = Text.from_markup(verdict_text(verdicts["refusing"])).plain
    quality = shown.split("quality  owner: product\n")[1].split("reliability  ")[0]
    marks = [line.strip()[0] for line in quality.splitlines() if not line.startswith(" " * 5)]
    assert marks == ["✗", "✗", "✗", "✓", "✓"]


def test_the_document_is_the_verdict(verdicts: dict[str, Verdict]) -> None:
    verdict = verdicts["dearer"]
    assert type(verdict).model_validate_json(verdict.model_dump_json()) == verdict
    document = verdict_document(verdict)
    assert document["decided"] == "2026-11-20T12:05:00.000000Z"


def test_names_cannot_be_markup(verdicts: dict[str, Verdict]) -> None:
    odd = verdicts["passing"].model_copy(
        update={"policy_name": "[red]x[/red]", "release_name": "a|b", "run": "[/]"}
    )
    assert "[red]x[/red]" in Text.from_markup(verdict_text(odd)).plain


def test_a_warning_says_that_it_only_warns(verdicts: dict[str, Verdict]) -> None:
    rule = verdicts["dearer"].rules[-1].model_copy(update={"severity": "warn"})
    changed = verdicts["dearer"].model_copy(update={"rules": (rule,)})
    assert "(warns)" in verdict_text(changed)
