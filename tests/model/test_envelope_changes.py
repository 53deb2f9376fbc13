"""The published envelopes only ever grow, and the rule that says so."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from gatekeeper.model.envelope import RequestEnvelope, ResponseEnvelope
from schema_changes import breaking, fields

GOLDEN = Path(__file__).parents[1] / "golden" / "envelopes.json"


def schemas():
    return {
        "request": RequestEnvelope.model_json_schema(by_alias=True, mode="validation"),
        "response": ResponseEnvelope.model_json_schema(by_alias=True, mode="serialization"),
    }


def test_the_envelopes_remove_and_retype_nothing(request):
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text(json.dumps(schemas(), indent=1, sort_keys=True) + "\n")
    published = json.loads(GOLDEN.read_text())
    now = schemas()
    assert breaking(published["request"], now["request"], request=True) == []
    assert breaking(published["response"], now["response"]) == []


SEED_REQUEST = {
    "requestId": "string",
    "tenantId": "string",
    "userId": "string",
    "input": "string",
    "contextVersion": "string",
    "promptVersion": "string",
    "policyVersion": "string",
    "routeVersion": "string",
    "deadlineMs": "integer",
}
SEED_RESPONSE = {
    "requestId": "string",
    "status": "string",
    "answer": "string",
    "citations": "array",
    "qualitySignals.confidence": "number",
    "qualitySignals.resolved": "boolean",
    "qualitySignals.followUpRisk": "string",
    "costSignals.inputTokens": "integer",
    "costSignals.outputTokens": "integer",
    "costSignals.usd": "number",
}


@pytest.mark.parametrize(("kind", "seed"), [("request", SEED_REQUEST), ("response", SEED_RESPONSE)])
def test_every_field_of_the_reference_architecture_is_there(kind, seed):
    found = fields(schemas()[kind])
    assert {path: type_ for path, type_ in seed.items() if type_ not in found[path].types} == {}


def changed(kind, change):
    schema = copy.deepcopy(schemas()[kind])
    change(schema)
    return breaking(schemas()[kind], schema, request=kind == "request")


def drop(name):
    return lambda schema: schema["properties"].pop(name)


def put(name, value):
    return lambda schema: schema["properties"].update({name: value})


def inside(definition, name, value):
    return lambda schema: schema["$defs"][definition]["properties"].update({name: value})


@pytest.mark.parametrize(
    ("kind", "change", "says"),
    [
        ("response", drop("answer"), "answer was removed"),
        ("response", put("answer", {"type": "integer"}), "answer was string and is integer"),
        ("response", put("serial", {"type": "string"}), "serial was integer and is string"),
        (
            "response",
            put("answer", {"anyOf": [{"type": "string"}, {"type": "null"}]}),
            "answer was string and is null or string",
        ),
        (
            "response",
            inside("Citation", "source", {"type": "integer"}),
            "citations[].source was string and is integer",
        ),
        (
            "response",
            put("status", {"enum": ["ok"], "type": "string"}),
            "status no longer has the values it had",
        ),
        ("response", lambda s: s["required"].remove("answer"), "answer may now be absent"),
        ("request", drop("journey"), "journey was removed"),
        ("request", lambda s: s["required"].append("journey"), "journey has become required"),
        (
            "request",
            lambda s: (put("colour", {"type": "string"})(s), s["required"].append("colour")),
            "colour is new and required",
        ),
        ("request", put("journey", {"type": "string"}), "journey was null or string and is string"),
    ],
)
def test_what_breaks_is_named(kind, change, says):
    assert says in changed(kind, change)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("response", put("colour", {"type": "string"})),
        ("response", inside("Citation", "page", {"type": "integer"})),
        ("request", put("colour", {"type": "string"})),
        ("request", put("colours", {"type": "array", "items": {"type": "string"}})),
        ("request", put("userId", {"anyOf": [{"type": "string"}, {"type": "null"}]})),
        (
            "response",
            put(
                "status",
                {"enum": ["ok", "degraded", "needs_review", "blocked", "x"], "type": "string"},
            ),
        ),
    ],
)
def test_additions_pass(kind, change):
    assert changed(kind, change) == []
