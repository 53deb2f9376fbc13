"""One manifest of a change, by the verbs that it takes."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gatekeeper.core.affected import Cause, Touched
from gatekeeper.core.review import Answer
from gatekeeper.ops.review import NO_BASELINE, Plan, judge

MANIFEST = "manifests/desk.yaml"
OTHER = "manifests/other.yaml"
TOUCHED = Touched(MANIFEST, (Cause(MANIFEST, "the manifest"),))
NEW, OLD, LIVE = ("sha256:" + letter * 64 for letter in "abc")
BASE = "d" * 40
FAILED = {"error": {"what": "is wrong", "where": "m.yaml"}}


@dataclass
class Line:
    """Verbs that answer as they are told, and remember what they were asked."""

    answers: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)

    def run(self, *words):
        self.asked.append(words)
        known = {
            ("build", MANIFEST): Answer(0, {"digest": NEW}),
            ("build", OTHER): Answer(0, {"digest": LIVE}),
            ("build", MANIFEST, "--at", BASE): Answer(0, {"digest": OLD}),
            ("evaluate", NEW): Answer(0, {"outcome": "pass", "run": "run-1", "rules": []}),
        } | self.answers
        return next(known[words[:n]] for n in (4, 2) if words[:n] in known)

    def text(self, *words):
        self.asked.append(words)
        return "### what changed"

    @property
    def evaluated(self):
        return next(words for words in self.asked if words[0] == "evaluate")


def plan(**changes):
    given = {
        "base": BASE,
        "before": frozenset({MANIFEST}),
        "baseline": None,
        "serves": None,
        "environment": "local",
        "options": ("--engine", "vllm"),
        "annotations": ("gitlab={}/quality.json", "github=-"),
        "reports": Path("reports"),
    }
    return Plan(**(given | changes))


@pytest.mark.parametrize(
    ("changes", "baseline", "compared"),
    [
        ({}, OLD, f"the same manifest at {BASE[:12]}"),
        ({"serves": LIVE}, LIVE, "what local serves"),
        ({"baseline": OTHER, "serves": OLD}, LIVE, f"{OTHER}, as it was asked for"),
        ({"baseline": "env:prod"}, "env:prod", "env:prod, as it was asked for"),
        ({"baseline": NO_BASELINE, "serves": LIVE}, "", "nothing, as it was asked for"),
        ({"before": frozenset()}, "", "nothing: the manifest is new"),
        ({"base": ""}, "", "nothing: local serves nothing, and no revision was named"),
    ],
)
def test_what_it_is_compared_with(changes, baseline, compared):
    line = Line()
    found = judge(TOUCHED, "m", plan(**changes), line)
    assert (found.baseline, found.compared) == (baseline, compared)
    assert (found.exit, found.outcome, found.run) == (0, "pass", "run-1")
    words = line.evaluated
    told = words[words.index("--baseline") + 1] if "--baseline" in words else ""
    assert told == (baseline or (NO_BASELINE if "serves" in changes else ""))
    if baseline:
        assert ("diff", baseline, NEW, "--format", "markdown") in line.asked
        assert found.difference == "### what changed"


def test_the_evaluation_is_told_what_was_asked_for_and_where_reports_go():
    line = Line()
    judge(TOUCHED, "m", plan(), line)
    words = line.evaluated
    assert words[:6] == ("evaluate", NEW, "--env", "local", "--engine", "vllm")
    reports = [words[at + 1] for at, word in enumerate(words) if word == "--report"]
    assert "junit=reports/m/junit.xml" in reports
    assert reports[-2:] == ["gitlab=reports/m/quality.json", "github=-"]


def test_the_baseline_is_built_first_so_that_the_newest_record_is_the_candidates():
    line = Line()
    judge(TOUCHED, "m", plan(), line)
    assert [words[:3] for words in line.asked[:2]] == [
        ("build", MANIFEST, "--at"),
        ("build", MANIFEST),
    ]


def test_the_release_that_is_served_is_judged_without_being_compared_with_itself():
    line = Line()
    found = judge(TOUCHED, "m", plan(serves=NEW), line)
    assert "this is the same release as what local serves" in found.compared
    assert line.evaluated[line.evaluated.index("--baseline") + 1] == NO_BASELINE


def test_the_same_release_is_compared_with_nothing_and_says_so():
    line = Line({("build", MANIFEST, "--at", BASE): Answer(0, {"digest": NEW})})
    found = judge(TOUCHED, "m", plan(), line)
    assert found.baseline == ""
    assert "only what judges it changed" in found.compared
    assert "--baseline" not in line.evaluated


@pytest.mark.parametrize(
    ("failing", "code", "error"),
    [
        (("build", MANIFEST), 2, "it cannot be built: m.yaml: is wrong"),
        (
            ("build", MANIFEST, "--at", BASE),
            2,
            f"the same manifest at {BASE[:12]}, its baseline, cannot be built: m.yaml: is wrong",
        ),
        (("evaluate", NEW), 3, "it was not evaluated: m.yaml: is wrong"),
    ],
)
def test_what_stops_it_is_an_error_with_the_exit_code_of_that_verb(failing, code, error):
    line = Line({failing: Answer(code, FAILED)})
    found = judge(TOUCHED, "m", plan(), line)
    assert (found.exit, found.error, found.outcome) == (code, error, "error")
    assert line.asked[-1][: len(failing)] == failing


def test_a_negative_verdict_is_no_error():
    verdict = {"outcome": "fail", "run": "run-1", "rules": []}
    found = judge(TOUCHED, "m", plan(), Line({("evaluate", NEW): Answer(1, verdict)}))
    assert (found.exit, found.outcome, found.error) == (1, "fail", "")
