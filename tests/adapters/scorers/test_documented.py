"""docs/scorers.md is in step with the scorers that there are, and its examples are sound."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from conversations import reply, talk
from gatekeeper.adapters import yaml
from gatekeeper.adapters.scorers import check_scorers
from gatekeeper.adapters.scorers.plugins import PythonFunction
from gatekeeper.core.scoring.catalogue import BUILT_IN
from gatekeeper.model.evalset import EvalSet
from scoring_sets import header, project_at

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "scorers.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+)` \| (task|policy|info) \| (.*?) \| (.*?) \| (.*?)\|$", re.MULTILINE)
SCORERS = {**BUILT_IN, PythonFunction.NAME: PythonFunction}


def documented():
    return {name: (role, needs, settings) for name, role, needs, _, settings in ROW.findall(PAGE)}


def test_every_scorer_has_its_row_and_no_other_has_one():
    assert list(documented()) == list(SCORERS)


@pytest.mark.parametrize("name", SCORERS)
def test_a_row_says_what_the_scorer_is(name):
    role, needs, settings = documented()[name]
    kind = SCORERS[name]
    assert role == kind.ROLE
    given = {field.alias or key for key, field in kind.model_fields.items()} - {"role"}
    assert set(re.findall(r"`(\w+)`", settings)) == given
    if "what" not in needs:
        assert set(re.findall(r"`(\w+)`", needs)) <= set(re.findall(r"`(\w+)`", kind.NEEDS)) | given
        assert needs.startswith("nothing") == kind.NEEDS.startswith("nothing")
    assert kind.__doc__
    properties = kind.model_json_schema()["properties"].values()
    assert all(setting["description"] for setting in properties)


@pytest.mark.parametrize("name", SCORERS)
def test_every_choice_of_a_setting_is_named(name):
    properties = SCORERS[name].model_json_schema()["properties"]
    for setting, schema in properties.items():
        if setting != "role" and "enum" in schema:
            assert f"`{setting}` ({', '.join(schema['enum'])})" in documented()[name][2]


def test_the_first_example_is_a_sound_header(tmp_path):
    example = PAGE.split("```yaml\n")[1].split("```")[0]
    plain = header("facts").model_dump_json(exclude={"scorers"}, exclude_none=True)
    source = f"{{{plain[1:-1]}}}".encode()
    top = yaml.parse(source, "x").plain | yaml.parse(example.encode(), "x").plain
    document = yaml.check(yaml.parse(json.dumps(top).encode(), "x"), EvalSet)
    names = [one.name for one in check_scorers(document, project_at(tmp_path))]
    assert names == ["facts", "has_unit", "sound", "helpful"]


def test_the_function_that_is_shown_works():
    space: dict[str, object] = {}
    exec(PAGE.split("```python\n")[1].split("```")[0], space)  # noqa: S102
    assert space["polite"](talk({}, reply("Yes, please."))) == (True, "1 times")


def test_the_report_that_is_shown_is_the_one_that_is_tested():
    golden = (DOCS.parent / "tests/golden/calibration.txt").read_text(encoding="utf-8")
    for line in golden.splitlines():
        assert line in PAGE
