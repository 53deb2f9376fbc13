"""What platforms refuse, cut or misread: limits and syntax of GitHub, GitLab and Jenkins."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from lxml import etree

from gatekeeper.core.places import Places
from gatekeeper.core.plots import Plots
from gatekeeper.core.review import Judged
from gatekeeper.model.verdict import Contribution, SliceResult
from gatekeeper.report.annotations import verdict_github, verdict_gitlab
from gatekeeper.report.junit import unjudged_junit, verdict_junit
from gatekeeper.report.markup import short_name
from gatekeeper.report.page.document import verdict_html
from gatekeeper.report.sarif import verdict_sarif
from gatekeeper.report.verdict import verdict_text
from gatekeeper.report.verdict_markdown import verdict_markdown
from verdicts import failing, places, rule, verdict

SCHEMAS: Final = Path(__file__).parent.parent / "fixtures" / "schemas"
SEMANTIC: Final = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")


def run_of(text: str) -> dict[str, Any]:
    [run] = json.loads(text)["runs"]
    return run


# -- code scanning --------------------------------------------------------------------------------


def test_code_scanning_is_told_what_it_demands_of_every_rule() -> None:
    driver = run_of(verdict_sarif(verdict(), places()))["tool"]["driver"]
    assert SEMANTIC.fullmatch(driver["semanticVersion"])
    for found in driver["rules"]:
        for text in ("shortDescription", "fullDescription", "help"):
            assert 0 < len(found[text]["text"]) <= 1024, (found["id"], text)
        assert found["help"]["markdown"]
        assert len(found["id"]) <= 255
        assert len(found["properties"]["tags"]) <= 10
        assert "name" not in found  # it would only repeat the id


def test_a_description_says_what_the_metric_is() -> None:
    one = rule("quality.resolved_rate_min", "fail", estimate=0.5, limit=0.8, n=9)
    [found] = run_of(verdict_sarif(verdict(one), places()))["tool"]["driver"]["rules"]
    assert found["shortDescription"]["text"] == "resolved_rate: at least 80.0 %"
    assert "the person's need was met by the end" in found["fullDescription"]["text"]


def test_code_scanning_gets_five_thousand_results_at_most_the_gravest_first() -> None:
    warns = [
        failing().model_copy(
            update={"rule": f"cost.warn_{place}_max", "severity": "warn", "blocks": False}
        )
        for place in range(3000)
    ]
    blocks = [
        failing().model_copy(update={"rule": f"cost.block_{place}_max"}) for place in range(3000)
    ]
    text = verdict_sarif(verdict(*warns, *blocks), places())
    run = run_of(text)
    levels = [found["level"] for found in run["results"]]
    assert levels == ["error"] * 3000 + ["warning"] * 2000
    [invocation] = run["invocations"]
    [notice] = invocation["toolExecutionNotifications"]
    assert notice["message"]["text"].startswith("1,000 more rules did not pass")
    assert len(gzip.compress(text.encode())) < 10_000_000
    ids = [found["id"] for found in run["tool"]["driver"]["rules"]]
    assert all(ids[found["ruleIndex"]] == found["ruleId"] for found in run["results"])


def test_every_result_has_a_relative_place_under_the_root() -> None:
    for where in (places(), Places()):  # without one, the whole upload is refused
        run = run_of(verdict_sarif(verdict(), where))
        for found in run["results"]:
            [location] = found["locations"]
            at = location["physicalLocation"]
            artifact = at["artifactLocation"]
            assert not artifact["uri"].startswith(("/", "file:"))
            assert artifact["uriBaseId"] in run["originalUriBaseIds"]
            assert at["region"]["startLine"] >= 1
            assert found["partialFingerprints"]


@pytest.mark.parametrize(
    ("given_", "shown"),
    [
        ("[click](https://evil.example)", "\\[click\\](https://evil.example)"),
        ("{0} of {1}", "{{0}} of {{1}}"),
        ('a list [1, 2] and {"a": 1}', 'a list [1, 2] and {"a": 1}'),
    ],
)
def test_a_message_makes_no_link_and_fills_no_gap(given_: str, shown: str) -> None:
    odd = failing().model_copy(update={"reason": given_})
    [found] = run_of(verdict_sarif(verdict(odd), places()))["results"]
    assert found["message"]["text"].startswith(f"fail: {shown}\n")


def test_gitlab_is_pointed_at_a_file_even_where_none_is_known() -> None:
    [issue] = json.loads(verdict_gitlab(verdict(failing()), Places()))
    assert issue["location"] == {"path": "gatekeeper", "lines": {"begin": 1}}


# -- JUnit ----------------------------------------------------------------------------------------


def test_gitlab_shows_why_a_case_was_skipped() -> None:
    text = verdict_junit(verdict(rule("run.x_max", "not_applicable", reason="a <first> release")))
    assert '<skipped message="a &lt;first&gt; release">a &lt;first&gt; release</skipped>' in text


def test_jenkins_takes_a_manifest_that_got_no_verdict() -> None:
    schema = etree.XMLSchema(etree.parse(SCHEMAS / "junit-10.xsd"))
    text = unjudged_junit(Judged("manifests/a.yaml", exit=2, error="it <cannot> be\x1b built"))
    schema.assertValid(etree.fromstring(text.encode()))


def test_no_text_attaches_a_file_to_a_jenkins_build() -> None:
    odd = rule("run.x_max", "pass", reason="[[ATTACHMENT|/etc/passwd]]")
    bad = failing().model_copy(update={"reason": "[[ATTACHMENT|/etc/passwd]]"})
    assert "[[ATTACHMENT" not in verdict_junit(verdict(odd, bad))


# -- any platform ---------------------------------------------------------------------------------


def test_two_long_names_that_begin_alike_are_told_apart_in_every_format() -> None:
    names = [f"{'what is the refund policy ' * 400}{place}" for place in range(2)]
    one = failing().model_copy(
        update={
            "samples": tuple(
                Contribution(sample=name, suite="quality", candidate=1.0) for name in names
            ),
            "slices": tuple(
                SliceResult(value=name, outcome="fail", estimate=1.0, n=3) for name in names
            ),
        }
    )
    found = verdict(one)
    short = [short_name(name) for name in names]
    assert len({*short}) == 2
    assert {len(name) for name in short} == {100}
    for text in (
        verdict_text(found, 120),
        verdict_markdown(found),
        verdict_html(found, Plots()),
        verdict_junit(found),
        verdict_sarif(found, places()),
        verdict_github(found, places()),
        verdict_gitlab(found, places()),
    ):
        assert "policy " * 20 not in text
        assert len(text) < 40_000
    for text in (verdict_text(found, 120), verdict_markdown(found), verdict_html(found, Plots())):
        assert all(name[-8:] in text for name in short)


def test_no_message_turns_the_text_beside_it_around() -> None:
    odd = failing().model_copy(update={"reason": "safe \u202eelif\x1b[31m"})
    [result] = run_of(verdict_sarif(verdict(odd), places()))["results"]
    [issue] = json.loads(verdict_gitlab(verdict(odd), places()))
    for text in (result["message"]["text"], issue["description"]):
        assert "safe \\u202eelif\\x1b[31m" in text


def test_no_annotation_is_longer_than_github_takes() -> None:
    long = failing().model_copy(update={"reason": "x" * 200_000})
    first = verdict_github(verdict(long), places()).splitlines()[0]
    assert len(first) < 65_536
    [issue] = json.loads(verdict_gitlab(verdict(long), places()))
    assert len(issue["description"]) < 65_536
