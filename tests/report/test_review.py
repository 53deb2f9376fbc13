"""The comment on a pull request, as people read it."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from gatekeeper.core.affected import Cause
from gatekeeper.core.review import Answer, Judged, PolicyChange, Review, slug, worst
from gatekeeper.model.verdict import Loosened
from gatekeeper.report.junit import unjudged_junit
from gatekeeper.report.review import comment, review_document, review_text

GOLDEN = Path(__file__).parents[1] / "golden/review"
CAUSE = Cause("manifests/desk/system.jinja", "prompt.system")
RULES = [
    {"rule": "quality.resolved_rate_min", "outcome": "fail"},
    {"rule": "cost.usd_per_resolved_request_max_increase", "outcome": "pass"},
]
FAILED = Judged(
    "manifests/desk.yaml",
    (CAUSE,),
    exit=1,
    release="sha256:" + "a" * 64,
    baseline="sha256:" + "b" * 64,
    compared="the same manifest at bbbbbbbbbbbb",
    verdict={"outcome": "fail", "run": "run-1", "rules": RULES},
    story="### ✗ Gate: fail\n\n- **quality.resolved_rate_min** fail: 40 of 100\n",
    difference="### Release `desk@b` → `desk@a`\n",
    reports="manifests-desk-yaml",
)
PASSED = Judged(
    "manifests/other.yaml",
    (CAUSE,),
    release="sha256:" + "c" * 64,
    compared="nothing: the manifest is new",
    verdict={"outcome": "pass", "run": "run-2", "rules": []},
    story="### ✓ Gate: pass\n",
)
BROKEN = Judged(
    "manifests/broken.yaml",
    tuple(Cause(f"docs/{number}.md", "retrieval.snapshot") for number in range(5)),
    exit=2,
    error="it cannot be built: manifests/broken.yaml:3:1: metadata: is missing\n```\n<b>",
)
LOOSER = PolicyChange(
    "gates/desk.yaml",
    (Loosened(rule="quality.resolved_rate_min", what="limit", before="0.5", after="0.3"),),
)
ALL = Review(
    (FAILED, PASSED, BROKEN),
    base="b" * 40,
    commit="a" * 40,
    deleted=("manifests/old.yaml",),
    policies=(
        LOOSER,
        PolicyChange("gates/other.yaml"),
        PolicyChange("gates/new.yaml", unclear="it is new"),
    ),
    log="https://example.org/log",
)


def test_the_comment(golden):
    golden(GOLDEN / "all.md", comment(ALL, 65_000))


def test_one_that_passes(golden):
    golden(GOLDEN / "one.md", comment(Review((PASSED,)), 65_000))


def test_none_is_touched(golden):
    golden(GOLDEN / "none.md", comment(Review(()), 65_000))
    assert review_text(Review(())) == "no manifest is touched: nothing to judge"


@pytest.mark.parametrize("longest", [40, 600, 1500, 65_000])
def test_however_little_fits_the_verdict_is_there(longest):
    long = Judged(**{**fields(FAILED), "difference": "x" * 70_000})
    text = comment(Review((long, PASSED)), longest)
    assert len(text) <= longest
    assert "x" * 100 not in text
    assert text.startswith("## ❌ gatekeeper: 2 releases")
    if longest > 1000:
        assert "quality.resolved_rate_min" in text
        assert "Too long to be shown here whole" in text


def test_many_manifests_stay_a_table_that_fits():
    text = comment(Review((FAILED,) * 300), 65_000)
    assert "and 250 more" in text


def test_names_cannot_write_into_the_comment():
    evil = "a`|<img src=x>\n# @everyone.yaml"
    text = comment(Review((Judged(evil, (Cause(evil, "x"),), exit=2, error="broken"),)), 65_000)
    assert "\n# @everyone" not in text
    assert "``a`\\|<img src=x> # @everyone.yaml``" in text


def test_programs_read_every_manifest_and_what_became_looser():
    found = review_document(ALL, "https://example.org/comment")
    assert (found["outcome"], found["exit"]) == ("fail", 1)
    assert [one["outcome"] for one in found["manifests"]] == ["fail", "pass", "error"]
    assert found["policies"][0]["loosened"][0]["after"] == "0.3"
    assert found["policies"][2]["unclear"] == "it is new"
    assert json.loads(json.dumps(found)) == found


def test_the_gravest_manifest_decides():
    assert worst(()) == 0
    assert worst((0, 3, 1)) == 1
    assert worst((0, 3, 2)) == 2
    assert worst((1, 4, 2)) == 4
    assert worst((1, 77)) == 77
    assert Review((PASSED, BROKEN, FAILED)).worst is FAILED
    assert Review(()).outcome == "none"


def test_an_error_is_one_test_that_could_not_be_run():
    tree = ET.fromstring(unjudged_junit(BROKEN))
    assert (tree.get("errors"), tree.get("failures")) == ("1", "0")
    (error,) = tree.iter("error")
    assert error.text == BROKEN.error


def test_an_error_with_anything_in_it_is_sound_xml():
    evil = Judged(
        "a<b>\x00\x1b", (CAUSE,), exit=2, error="\x1b[31mred\x00\n]]> [[ATTACHMENT|/etc]]"
    )
    (error,) = ET.fromstring(unjudged_junit(evil)).iter("error")
    assert error.text == "[31mred\n]]> [ [ATTACHMENT|/etc]]"


def test_an_answer_tells_its_problems_with_their_places():
    problem = {"file": "m.yaml", "line": 3, "column": 1, "path": "a.b", "message": "is wrong"}
    assert Answer(2, {"error": {"problems": [problem]}}).error == "m.yaml:3:1: a.b: is wrong"
    assert Answer(3, {"error": {"what": "is down", "where": "x"}}).error == "x: is down"
    assert Answer(0, {"outcome": "pass"}).error == ""


def test_a_directory_is_named_after_its_manifest():
    assert slug("manifests/a b.yaml") == "manifests-a-b-yaml"
    assert slug("../..") == "manifest"


def fields(one):
    return {name: getattr(one, name) for name in one.__slots__}
