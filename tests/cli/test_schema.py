"""The JSON Schemas: valid themselves, and of one mind with the loader."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema_rs
import pytest

from builders import manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.model.verdict import Verdict

from gatekeeper.adapters.shapes import PATTERNS
from gatekeeper.cli.main import run
from gatekeeper.cli.verbs.schema import document
from gatekeeper.core.scoring.likeness import TokenF1
from gatekeeper.errors import UsageError
from gatekeeper.model.envelope import RequestEnvelope
from gatekeeper.model.kinds import KINDS, SHORT, type_of
from gatekeeper.report.verdict import verdict_document
from verdicts import noticed, verdict


@pytest.mark.parametrize("kind", [*SHORT, *KINDS])
def test_prints_a_valid_schema(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", kind]) == 0
    printed = json.loads(capsys.readouterr().out)
    jsonschema_rs.meta.validate(printed)
    assert printed["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert printed["title"] == SHORT.get(kind, kind)
    assert printed["$id"].endswith(f"/{printed['title']}.json")
    assert printed["properties"]["kind"]["const"] == printed["title"]


@pytest.mark.parametrize("one", [verdict(), noticed()], ids=["every", "noticed"])
def test_the_schema_of_a_verdict_accepts_verdicts(one: Verdict) -> None:
    schema = document("verdict")
    jsonschema_rs.meta.validate(schema)
    whole = verdict_document(one)
    jsonschema_rs.validator_for(schema).validate(whole)
    assert not jsonschema_rs.validator_for(schema).is_valid({**whole, "outcome": "skipped"})
    assert set(schema["$defs"]["RuleResult"]["properties"]) == set(whole["rules"][0])


def test_a_field_is_described_by_the_text_below_it_in_the_source() -> None:
    attempts = document("manifest")["$defs"]["Retry"]["properties"]["attempts"]
    assert attempts["description"] == "Including the first."
    exchange = RequestEnvelope.model_json_schema()["properties"]["exchange"]
    assert exchange["description"].startswith("What the model has asked of tools")
    assert "description" not in document("manifest")["properties"]["kind"]


def test_a_field_is_described_where_it_comes_from_another_type() -> None:
    assert "role" not in TokenF1.__annotations__
    role = TokenF1.model_json_schema()["properties"]["role"]
    assert role["description"].startswith("What its scores decide")


def test_a_kind_is_found_whatever_its_case() -> None:
    assert document("releasemanifest") == document("MANIFEST")


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        UsageError, match="use manifest, policy, policy-test, evalset, environment, prices"
    ):
        document("manifests")


def test_the_schema_accepts_a_valid_manifest() -> None:
    jsonschema_rs.validator_for(document("manifest")).validate(manifest())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("kind",), "Release"),
        (("metadata", "name"), "Desk One"),
        (("metadata", "ownr"), "me"),
        (("components", "serving", "engines"), []),
        (("components", "serving", "sampling", "top_p"), 0),
        (("components", "router", "routes"), [{"match": {}}]),
        (("components", "prompt", "template"), {"fil": "x"}),
        (("components", "model", "models"), {}),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(path: tuple[str, ...], value: object) -> None:
    content = manifest()
    inner = content
    for key in path[:-1]:
        inner = inner.setdefault(key, {})
    inner[path[-1]] = value
    assert not jsonschema_rs.validator_for(document("manifest")).is_valid(content)


@pytest.mark.parametrize(
    ("scorers", "valid"),
    [
        (["facts", {"scorer": "regex", "pattern": "x"}], True),
        ([{"scorer": "all", "of": ["facts"]}], True),
        ([3], False),
        ([{"name": "x"}], False),
        ([], False),
    ],
)
def test_a_scorer_is_a_word_or_a_mapping(scorers: list[object], valid: bool) -> None:  # noqa: FBT001
    content = {
        "apiVersion": "gatekeeper/v1",
        "kind": "EvalSet",
        "name": "small",
        "owner": "somebody",
        "licence": "CC0-1.0",
        "split": "held_out",
        "suite": "quality",
        "file": "small.jsonl",
        "scorers": scorers,
    }
    assert jsonschema_rs.validator_for(document("evalset")).is_valid(content) is valid


def patterns(schema: object) -> Iterator[str]:
    """Every pattern in a JSON Schema."""
    if isinstance(schema, dict):
        yield from schema.get("patternProperties", ())
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
    if isinstance(schema, dict | list):
        for inner in schema.values() if isinstance(schema, dict) else schema:
            yield from patterns(inner)


@pytest.mark.parametrize("kind", KINDS)
def test_every_pattern_is_told_in_words(kind: str) -> None:
    assert set(patterns(type_of(kind).model_json_schema())) <= set(PATTERNS)
