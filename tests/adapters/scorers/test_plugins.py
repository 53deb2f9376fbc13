"""Scorers that others write: installed or in the project, sound, broken, hanging."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from conversations import reply, talk
from gatekeeper.adapters.evalsets import open_set
from gatekeeper.adapters.scorers import open_scoring
from gatekeeper.errors import InputError
from scoring_sets import header, install_example, mine, project_at

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatekeeper.core.scoring import Score

MINE = """
from __future__ import annotations
import time, asyncio

def good(talk, *, least=1): return len(talk.answer) >= least
def half(talk): return 0.5, "half"
async def waits(talk):
    await asyncio.sleep(0)
    return 1
def nothing(talk): return None
def crashes(talk): raise KeyError("x")
def nan(talk): return float("nan")
def text(talk): return "1.0"
def two(talk): return 2.0
def negative(talk): return -0.1
def pair(talk): return 1, 2
def many(talk): return [1]
def hangs(talk): time.sleep(30)
async def waits_long(talk): await asyncio.sleep(30)
def leaves(talk): raise SystemExit(0)
def stops(talk): raise StopIteration
def impatient(talk): raise TimeoutError("of its own")
def odd(talk): return 1, "\\ud800" + "x" * 9999

from dataclasses import dataclass
@dataclass
class Kept:
    n: "int" = 1
"""


def scored(
    path: Path, *specs: Any, answers: tuple[str, ...] = ("24 months",)
) -> tuple[list[Score], Mapping[str, str]]:
    async def run() -> Any:
        found: list[Score] = []
        async with open_scoring(header(*specs), project_at(path)) as scoring:
            for answer in answers:
                found += await scoring.score(talk({}, reply(answer)))
            return found, scoring.fingerprint

    return asyncio.run(run())


@pytest.fixture
def project(tmp_path):
    (tmp_path / "scorers").mkdir()
    (tmp_path / "scorers/mine.py").write_text(MINE)
    return tmp_path


def test_the_example_package_is_installed_and_scores(tmp_path, monkeypatch):
    install_example(tmp_path, monkeypatch)
    found, fingerprint = scored(tmp_path, {"scorer": "short_sentences", "most": 3})
    assert (found[0].value, found[0].detail) == (1, "the longest has 2 words")
    assert fingerprint == {"scorer short_sentences": "short-sentences 1.2.0"}
    found, _ = scored(tmp_path, "short_sentences", answers=("word " * 30 + ". Yes.", ""))
    assert [one.value for one in found] == [0.5]
    with pytest.raises(InputError) as caught:
        scored(tmp_path, {"scorer": "short_sentences", "mots": 3})
    assert "'mots'" in str(caught.value)
    assert "accepted: most, name, role, timeout_s" in str(caught.value)


@pytest.mark.parametrize(
    ("function", "value", "detail"),
    [("good", 1, None), ("half", 0.5, "half"), ("waits", 1, None)],
)
def test_a_function_of_the_project_scores(project, function, value, detail):
    (found,), fingerprint = scored(project, mine(function))
    assert (found.scorer, found.value, found.detail) == ("python", value, detail)
    assert fingerprint["scorer python"].startswith(f"scorers/mine.py:{function} sha256:")


def test_settings_are_passed_on(project):
    found, _ = scored(
        project,
        mine("good", name="ten", settings={"least": 10}),
        mine("good", name="nine", settings={"least": 9}),
    )
    assert {one.scorer: one.value for one in found} == {"ten": 0, "nine": 1}


def test_a_setting_that_the_function_does_not_take_is_told(project):
    with pytest.raises(InputError) as caught:
        scored(project, mine("good", settings={"lest": 3}))
    told = str(caught.value)
    assert "scorers/mine.py: good: got an unexpected keyword argument 'lest'" in told
    assert "accepted: least" in told


def test_a_reason_is_kept_as_far_as_a_record_can_hold_it(project):
    (found,), _ = scored(project, mine("odd"))
    assert found.detail == "?" + "x" * 1999


def test_a_function_may_have_nothing_to_say(project):
    assert scored(project, mine("nothing"))[0] == []


@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("crashes", "KeyError: 'x'"),
        ("nan", "ValueError: gave nan instead of a number from 0 to 1"),
        ("text", "TypeError: returned '1.0' instead"),
        ("two", "ValueError: gave 2.0 instead"),
        ("negative", "ValueError: gave -0.1 instead"),
        ("pair", "TypeError: returned (1, 2) instead"),
        ("many", "TypeError: returned [1] instead"),
        ("leaves", "RuntimeError: it raised SystemExit(0)"),
        ("impatient", "TimeoutError: of its own"),
        ("stops", "RuntimeError: it raised StopIteration()"),
    ],
)
def test_what_a_plugin_gets_wrong_is_an_error_and_never_a_pass(project, function, error):
    found, _ = scored(project, mine(function), answers=("a", "b"))
    assert [one.value for one in found] == [None, None]
    assert all((one.error or "").startswith(error) for one in found)


@pytest.mark.parametrize("function", ["hangs", "waits_long"])
def test_a_plugin_that_hangs_is_an_error_and_soon_asked_no_more(project, function):
    started = time.monotonic()
    spec = {"scorer": "all", "of": [mine(function, timeout_s=0.05)]}
    found, _ = scored(project, spec, answers=("a",) * 50)
    assert time.monotonic() - started < 5
    assert [one.value for one in found] == [None] * 50
    assert "took more than 0.05 s" in (found[0].error or "")
    assert "hung 3 times and is asked no more" in (found[-1].error or "")


SET = """\
apiVersion: gatekeeper/v1
kind: EvalSet
name: small
owner: somebody
licence: Apache-2.0
split: held_out
suite: quality
file: small.jsonl
scorers:
- {scorer: python, file: scorers/none.py, function: good}
- {scorer: python, name: b, file: ../outside.py, function: good}
- {scorer: python, name: c, file: scorers/mine.py, function: god}
- {scorer: python, name: d, file: scorers/broken.py, function: good}
- {scorer: all, name: e, of: [exact, {scorer: contains, mach: any}]}
- {scorer: weighted, of: [exact], weights: [1, 2]}
- {scorer: not, of: {scorer: regex, pattern: '('}}
- {scorer: cost, name: f}
- {scorer: latency}
- {scorer: schema, schema: {type: nonsense}}
"""


def test_everything_wrong_with_scorers_is_told_at_its_place_and_nothing_is_run(project):
    marker = project / "ran"
    (project / "scorers/broken.py").write_text("def good(:\n")
    (project / "scorers/mine.py").write_text(f"open({str(marker)!r}, 'w')\n{MINE}")
    (project / "small.yaml").write_text(SET)
    (project / "small.jsonl").write_text('{"id": "a", "input": "?"}\n')
    with pytest.raises(InputError) as caught:
        open_set(project_at(project), project / "small.yaml")
    told = [str(one).splitlines()[0] for one in caught.value.problems]
    wrong = [
        *("scorers/none", "../outside", "god", "scorers/broken", "mach"),
        *("{scorer: weighted", "'('", "{scorer: cost", "{scorer: latency", "{type"),
    ]
    lines = SET.splitlines()[9:]
    columns = [line.index(part) + 1 for line, part in zip(lines, wrong, strict=True)]
    places = [f"small.yaml:{line}:{column}" for line, column in enumerate(columns, start=10)]
    assert [one.split(": ", 1)[0] for one in told] == places
    expected = [
        "scorers[0].file: cannot be read as Python",
        "scorers[1].file: '../outside.py' leaves the project",
        "scorers[2].function: scorers/mine.py has no function 'god'; did you mean 'good'?",
        "scorers[3].file: cannot be read as Python",
        "scorers[4].of[1].mach: unknown key 'mach'; did you mean 'match'?",
        "scorers[5]: `weights` must have one number for each scorer: 1",
        "scorers[6].of.pattern: is not an RE2 pattern",
        "scorers[7]: `cost` must have max_usd, max_tokens or max_output_tokens",
        "scorers[8].max_ms: missing key 'max_ms'",
        "scorers[9].schema: is not a JSON Schema",
    ]
    for found, wanted in zip(told, expected, strict=True):
        assert wanted in found
    assert not marker.exists()


def test_a_package_that_cannot_be_loaded_is_told(tmp_path, monkeypatch):
    site = tmp_path / "site"
    (site / "broken-1.0.dist-info").mkdir(parents=True)
    (site / "broken-1.0.dist-info/METADATA").write_text("Name: broken\nVersion: 1.0\n")
    points = "[gatekeeper.scorers]\nbroken = broken_scorer:score\nflat = flat_scorer:score\n"
    (site / "broken-1.0.dist-info/entry_points.txt").write_text(points)
    (site / "broken_scorer.py").write_text("1 / 0\n")
    (site / "flat_scorer.py").write_text("score = 3\n")
    monkeypatch.syspath_prepend(site)
    with pytest.raises(InputError) as caught:
        scored(tmp_path, "broken", "flat", "brokn")
    told = str(caught.value)
    assert "the scorer 'broken' cannot be loaded: ZeroDivisionError: division by zero" in told
    assert "the scorer 'flat' cannot be loaded: flat_scorer:score is no function" in told
    assert "there is no scorer 'brokn'; did you mean 'broken'?" in told


def test_two_packages_with_a_scorer_of_one_name_are_told(tmp_path, monkeypatch):
    for name in ("one", "two"):
        info = tmp_path / f"site/{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[gatekeeper.scorers]\nsame = {name}:score\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    with pytest.raises(InputError, match=r"several packages have a scorer .*: one 1.0, two 1.0"):
        scored(tmp_path, "same")


def test_a_file_that_is_too_large_is_not_read(project):
    (project / "scorers/mine.py").write_text("#" * (1 << 20) + "\ndef good(talk): return 1\n")
    with pytest.raises(InputError, match="more than 1,048,576 bytes"):
        scored(project, mine("good"))


def test_code_of_the_project_that_fails_when_it_is_run_is_told(project):
    (project / "scorers/mine.py").write_text("def good(talk): return 1\n1 / 0\n")
    with pytest.raises(InputError, match=r"mine\.py: cannot be run: ZeroDivisionError"):
        scored(project, mine("good"))
