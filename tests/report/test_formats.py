"""A verdict in every format that a program reads: golden files, schemas, and any text at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from rich.text import Text

from gatekeeper.core.places import Place, Places
from gatekeeper.model.verdict import Contribution, Skip, SliceResult, Variation
from gatekeeper.report.annotations import verdict_github, verdict_gitlab
from gatekeeper.report.junit import verdict_junit
from gatekeeper.report.sarif import verdict_sarif
from gatekeeper.report.verdict import verdict_text
from gatekeeper.report.verdict_markdown import verdict_markdown
from verdicts import failing, noticed, places, rule, rules, severe, verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatekeeper.model.verdict import Verdict

GOLDEN: Final = Path(__file__).parent.parent / "golden" / "reports"
SCHEMAS: Final = Path(__file__).parent.parent / "fixtures" / "schemas"
CASES: Final = {"every": verdict(), "noticed": noticed()}
FORMATS: Final[dict[str, Callable[[Verdict], str]]] = {
    "txt": lambda one: Text.from_markup(verdict_text(one)).plain + "\n",
    "wide.txt": lambda one: Text.from_markup(verdict_text(one, 160)).plain + "\n",
    "md": verdict_markdown,
    "junit.xml": verdict_junit,
    "sarif": lambda one: verdict_sarif(one, places()),
    "github.txt": lambda one: verdict_github(one, places()),
    "gitlab.json": lambda one: verdict_gitlab(one, places()),
}
SARIF: Final = jsonschema_rs.validator_for(
    json.loads((SCHEMAS / "sarif-2.1.0.json").read_text(encoding="utf-8"))
)
ANY: Final = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("<>&\"'|`@#\n\r\x00\x1b%:,[]\\-"),
    min_size=1,
    max_size=24,
)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("case", CASES)
def test_golden(case: str, form: str, golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / f"{case}.{form}", FORMATS[form](CASES[case]))


@pytest.mark.parametrize("width", [80, 100, 160])
@pytest.mark.parametrize("case", CASES)
def test_no_line_is_wider_than_the_terminal(case: str, width: int) -> None:
    shown = Text.from_markup(verdict_text(CASES[case], width)).plain
    assert max(map(len, shown.splitlines())) <= width


def test_a_failing_gate_says_everything_that_is_needed() -> None:
    shown = " ".join(Text.from_markup(verdict_text(verdict(failing()))).plain.split())
    for said in (
        "✗ usd_per_resolved_request_max_increase",
        "31.3 points beyond the limit of at most +10.0 %",
        "at least +39.1 % with 95 % confidence",
        "on 300 pairs in 42 clusters, worth 167 independent ones",
        "in fewer than 1 run of 1,000 (p < 0.001)",
        "most likely: prompt, then router, going by what usually moves it",
        "by topic: shipping at +70.0 % (n 70, fail), billing at +61.0 % (n 80, fail)",
        "quality-00012 at $0.0062 against $0.0014 (5.2 % of the difference)",
        "gatekeeper attribute 20261120-120000-000abc",
        "gatekeeper runs show 20261120-120000-000abc --failures",
    ):
        assert said in shown, said


def test_two_hundred_rules_end_with_the_outcome_and_tell_the_gravest_whole() -> None:
    many = [
        failing().model_copy(update={"rule": f"cost.rule_{place:03}_max", "severity": severity})
        for severity in ("warn", "block")
        for place in range(100)
    ]
    many = [
        one.model_copy(update={"blocks": one.severity == "block", "rule": f"{one.rule}_{place}"})
        for place, one in enumerate(many)
    ]
    shown = Text.from_markup(verdict_text(verdict(*many), 100)).plain
    lines = shown.splitlines()
    assert lines[-1] == lines[0] == "✗ FAIL  200 fail"
    assert lines[-2].endswith("gatekeeper report 20261120-120000-000abc")
    assert lines[-2].startswith("the whole story of 180 more rules")
    assert shown.count("     how sure: ") == 20
    assert " ".join(shown.split()).count("allowed: at most 10.0 % more") == 180
    assert len(lines) < 900


def test_one_screen_says_its_outcome_once() -> None:
    shown = Text.from_markup(verdict_text(verdict())).plain
    assert shown.count("✗ FAIL") == 1


def test_samples_without_the_tag_are_called_so_and_nothing_is_said_of_no_exposures() -> None:
    parts = (SliceResult(value="(none)", outcome="fail", estimate=1.0, n=0),)
    census = rule("security.forbidden_tool_call", "fail", test="census", unit="count", by="attack")
    shown = verdict_text(verdict(census.model_copy(update={"slices": parts})))
    assert "worst slices: by attack: those without attack at 1 (fail)" in shown


def test_replicates_are_not_told_as_samples_that_are_worth_less() -> None:
    seen = Variation(between=0.16, within=0.0, samples=20, conversations=60)
    found = rules()[1].model_copy(
        update={"n": 20, "clusters": 20, "design_effect": 3.0, "variation": seen}
    )
    assert "on 20 samples, the truth" in " ".join(verdict_text(verdict(found)).split())


def test_a_slice_that_was_too_small_is_told_so_once() -> None:
    parts = (SliceResult(value="c16", outcome="error"),)
    shown = verdict_text(verdict(failing().model_copy(update={"slices": parts})))
    assert "worst slices: by topic: c16: error\n" in Text.from_markup(shown).plain


def test_the_last_step_names_the_file_of_the_policy_and_what_it_was_given() -> None:
    found = verdict(rules()[1]).model_copy(update={"parameters": {"allowed_delta": 0.02}})
    wanted = "gatekeeper policy check 'gates/a b.yaml' --parameter allowed_delta=0.02 --release"
    assert wanted in verdict_text(found, policy="gates/a b.yaml")
    assert "gatekeeper policy check POLICY --parameter" in verdict_text(found)


def test_marks_differ_without_any_colour() -> None:
    shown = Text.from_markup(verdict_text(verdict())).plain.splitlines()
    marks = {line[1] for line in shown if line[:1] == " " and line[2:3] == " " and line[1] != " "}
    assert marks == {"✓", "✗", "?", "!", "»", "-"}


def test_a_name_too_long_for_its_column_has_a_line_of_its_own() -> None:
    name = "quality." + "very_" * 14 + "long_rate_max"
    shown = Text.from_markup(verdict_text(verdict(rule(name, "pass", estimate=0.5, n=9)))).plain
    assert name.removeprefix("quality.") in shown
    assert max(map(len, shown.splitlines())) <= max(80, len(name))


# -- Markdown -------------------------------------------------------------------------------------


def test_markdown_stays_under_the_limit_of_a_comment_and_says_what_is_left_out() -> None:
    many = [
        failing().model_copy(update={"rule": f"cost.rule_{number}", "reason": "why " * 60})
        for number in range(400)
    ]
    text = verdict_markdown(verdict(*many))
    assert len(text) < 65_536
    assert text.startswith("### ✗ Gate: fail")
    assert "380 more: `gatekeeper report 20261120-120000-000abc`" not in text
    assert text.count(" more: `gatekeeper report 20261120-120000-000abc`") == 5
    assert text.count("<details>") == text.count("</details>") == 5


@pytest.mark.parametrize(
    ("given_", "wanted"),
    [
        ("@octocat", "@&#8203;octocat"),
        ("fixes #12", "fixes \\#&#8203;12"),
        ("<!-- hidden", "&lt;\\!-- hidden"),
        ("a|b", "a\\|b"),
        ("`x` *y* _z_", "\\`x\\` \\*y\\* \\_z\\_"),
        ("www.a.b https://a.b", "www&#8203;.a.b https:&#8203;//a.b"),
        ("GH-12 :tada:", "GH&#8203;-12 :&#8203;tada:"),
        ("- x", "\\- x"),
        ("1. x", "1\\. x"),
        ("31.3 points", "31.3 points"),
        ("two\nlines", "two lines"),
    ],
)
def test_markdown_shows_text_as_it_is(given_: str, wanted: str) -> None:
    from gatekeeper.report.markdown import plain

    assert plain(given_) == wanted


def test_code_holds_any_backticks() -> None:
    from gatekeeper.report.markdown import cell, code

    assert code("a`b``c") == "```a`b``c```"
    assert code("`x`") == "`` `x` ``"
    assert code("a|b") == "`a|b`"
    assert cell("a|b") == "`a\\|b`"


# -- JUnit ----------------------------------------------------------------------------------------

JUNIT: Final = etree.XMLSchema(etree.parse(SCHEMAS / "junit-10.xsd"))


def check_junit(text: str) -> ET.Element:
    """What Jenkins accepts, in the order of Surefire, with counts that are right."""
    JUNIT.assertValid(etree.fromstring(text.encode()))
    root = ET.fromstring(text)
    for suite in (root, *root.iter("testsuite")):
        for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
            assert int(suite.get(name, "")) == len(list(suite.iter(tag))), name
    for suite in root.iter("testsuite"):
        assert int(suite.get("skipped", "")) == len(list(suite.iter("skipped")))
        assert [child.tag for child in suite][:1] == ["properties"]
    return root


@pytest.mark.parametrize("case", CASES)
def test_junit_is_what_its_readers_accept(case: str) -> None:
    check_junit(verdict_junit(CASES[case]))


def test_a_junit_case_tells_the_outcome_of_its_rule() -> None:
    root = ET.fromstring(verdict_junit(verdict()))
    told = {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")}
    assert told == {
        "security.forbidden_tool_call": ["system-out"],
        "security.policy_violation_rate_max": ["error"],
        "quality.resolved_rate_min": ["system-out"],
        "quality.groundedness_min": ["error"],
        "quality.false_refusal_rate_max": ["system-out"],
        "reliability.p95_latency_max_increase": ["skipped"],
        "reliability.retry_amplification_max_increase": ["skipped"],
        "reliability.success_rate_min": ["skipped"],
        "cost.usd_per_resolved_request_max_increase": ["failure"],
    }


def test_junit_loses_what_xml_has_no_place_for() -> None:
    odd = failing().model_copy(update={"reason": "a\x00b\x1b[31mc\ufffe"})
    root = ET.fromstring(verdict_junit(verdict(odd)))
    [failure] = root.iter("failure")
    assert failure.get("message") == "ab[31mc"


# -- SARIF, GitHub, GitLab ------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_sarif_fits_its_schema(case: str) -> None:
    log = json.loads(verdict_sarif(CASES[case], places()))
    assert [error.message for error in SARIF.iter_errors(log)] == []


def results(one: Verdict, where: Places | None = None) -> dict[str, dict[str, Any]]:
    [run] = json.loads(verdict_sarif(one, where or places()))["runs"]
    ids = [found["id"] for found in run["tool"]["driver"]["rules"]]
    for found in run["results"]:
        assert ids[found["ruleIndex"]] == found["ruleId"]
    return {found["ruleId"]: found for found in run["results"]}


def test_sarif_points_at_the_line_most_likely_responsible() -> None:
    found = results(verdict())
    where = {
        name: (
            one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            one["locations"][0]["physicalLocation"]["region"]["startLine"],
        )
        for name, one in found.items()
    }
    assert where == {
        "cost.usd_per_resolved_request_max_increase": ("manifests/support%20desk.yaml", 38),
        "quality.groundedness_min": ("gates/support-desk.yaml", 12),
        "security.policy_violation_rate_max": ("manifests/support%20desk.yaml", 1),
        "quality.false_refusal_rate_max": ("manifests/support%20desk.yaml", 1),
    }
    logical = found["cost.usd_per_resolved_request_max_increase"]["locations"][0]
    assert logical["logicalLocations"][0]["fullyQualifiedName"] == "components.prompt"


@pytest.mark.parametrize(("severity", "level"), [("block", "error"), ("warn", "warning")])
def test_levels_follow_severity(severity: Any, level: str) -> None:
    [found] = results(verdict(severe(severity))).values()
    assert found["level"] == level
    assert verdict_github(verdict(severe(severity)), places()).startswith(f"::{level} file=")


def test_what_does_not_block_is_no_error() -> None:
    quiet = rules()[1].model_copy(update={"blocks": False})
    one = verdict(quiet, failing())
    assert results(one)[quiet.rule]["level"] == "warning"


def test_fingerprints_outlive_what_was_found() -> None:
    before, after = failing(), failing().model_copy(update={"estimate": 0.5, "reason": "another"})
    first, second = (
        results(verdict(one, run=name, release="sha256:" + digit * 64))
        for one, name, digit in ((before, "run-1", "1"), (after, "run-2", "2"))
    )
    prints = [found[before.rule]["partialFingerprints"] for found in (first, second)]
    assert prints[0] == prints[1]
    other = results(verdict(before, release_name="another"))[before.rule]
    assert other["partialFingerprints"] != prints[0]


def test_nothing_to_point_at_is_no_location() -> None:
    assert verdict_github(verdict(failing()), Places()).startswith("::error title=")


def test_a_workflow_command_is_one_line_whatever_it_says() -> None:
    odd = failing().model_copy(update={"reason": "50 %\r\n::set-output name=x::y"})
    where = Places(manifest=Place("a,b:c.yaml", 3, 1))
    lines = verdict_github(verdict(odd.model_copy(update={"suspects": ()})), where).splitlines()
    assert len(lines) == 2
    assert "file=a%2Cb%3Ac.yaml,line=3,col=1" in lines[0]
    assert "50 %25%0D%0A::set-output name=x::y" in lines[0]


def test_what_blocks_is_annotated_first() -> None:
    lines = verdict_github(verdict(), places()).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error"] * 3 + ["::warning", "::notice"]


def test_code_quality_has_what_gitlab_demands() -> None:
    found = json.loads(verdict_gitlab(verdict(), places()))
    for one in found:
        assert one.keys() == {"description", "check_name", "fingerprint", "severity", "location"}
        assert one["severity"] in {"info", "minor", "major", "critical", "blocker"}
    assert len({one["fingerprint"] for one in found}) == len(found)
    assert [one["severity"] for one in found] == ["blocker", "critical", "critical", "minor"]


# -- any text -------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.lists(ANY, min_size=8, max_size=8))
def test_no_text_breaks_a_format(words: list[str]) -> None:
    name, section, reason, sample, value, by, skipper, release = words
    odd = failing().model_copy(
        update={
            "rule": f"{section}.{name}",
            "section": section,
            "reason": reason,
            "by": by,
            "owner": skipper,
            "slices": (SliceResult(value=value, outcome="fail", estimate=1.0, n=3),),
            "samples": (Contribution(sample=sample, suite=section, candidate=1.0),),
        }
    )
    gone = rule("run.x", "skipped", skip=Skip(by=skipper, reason=reason))
    one = verdict(odd, gone, release_name=release, warnings=(reason,), policy_name=name)
    where = Places(manifest=Place(sample))
    check_junit(verdict_junit(one))
    assert json.loads(verdict_sarif(one, where))["runs"][0]["results"][0]["ruleId"] == odd.rule
    assert json.loads(verdict_gitlab(one, where))[0]["check_name"] == odd.rule
    assert len(verdict_github(one, where).rstrip("\n").split("\n")) == 2
    assert "\x1b" not in verdict_markdown(one)
    shown = Text.from_markup(verdict_text(one)).plain
    assert all(letter.isprintable() or letter == "\n" for letter in shown)
