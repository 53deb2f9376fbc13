"""Every example of the guide to eval sets, carried out: files, headers and their samples."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from eval_sets import new_desk
from gatekeeper.adapters.evalsets import open_set
from gatekeeper.adapters.evalsets.source import ENDINGS
from gatekeeper.model.evalset import EvalSet, Expectation, Sample

GUIDE = (Path(__file__).parents[1] / "docs/evalsets.md").read_text(encoding="utf-8")
COMMON = "apiVersion: gatekeeper/v1\nkind: EvalSet\nowner: somebody\nlicence: CC0-1.0\n"
BLOCKS = re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
HEADERS = [(file, text) for kind, file, text in BLOCKS if kind == "yaml"]


def given(file):
    """The samples that the guide says a header gives, if it says so."""
    kinds = [(kind, place) for kind, place, _ in BLOCKS]
    after = BLOCKS[kinds.index(("yaml", file)) + 1 :][:1]
    return [
        json.loads(line)
        for kind, place, text in after
        if kind == "json" and not place
        for line in text.splitlines()
    ]


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    found = new_desk(tmp_path_factory.mktemp("guide"))
    for kind, file, text in BLOCKS:
        if kind == "sql":
            found.parquet(file, text)
        elif file:
            found.put(file, text)
    return found


@pytest.mark.parametrize(("file", "text"), HEADERS, ids=[file for file, _ in HEADERS])
def test_an_example(desk, file, text):
    missing = "".join(
        f"{key}: {value}\n"
        for key, value in (("split", "test"), ("suite", "quality"))
        if f"{key}:" not in text
    )
    header = text if text.startswith("apiVersion") else COMMON + missing + text
    loaded = open_set(desk.project, desk.put(file, header))
    assert len(loaded) > 0
    expected = given(file)
    found = [one.model_dump(mode="json", exclude_unset=True) for one in loaded]
    assert found == (expected or found)


def test_the_guide_names_every_key_and_every_format():
    own = set(EvalSet.model_fields) - {"apiVersion", "kind"}
    names = set(re.findall(r"`([\w.]+)`", GUIDE))
    assert own <= names
    assert set(Sample.model_fields) | set(Expectation.model_fields) <= names
    assert set(ENDINGS.values()) | {"huggingface"} <= names
    assert len(HEADERS) > 12
    assert sum(bool(given(file)) for file, _ in HEADERS) > 10
