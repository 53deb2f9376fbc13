"""JSON Schemas in people's words."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper.adapters.shapes import Shape, nearest

ROOT: dict[str, Any] = {"$defs": {"P": {"title": "P", "type": "object", "properties": {"a": {}}}}}


def words(**schema: object) -> str:
    return Shape.of({**ROOT, **schema}).describe()


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer"}, "a whole number"),
        ({"type": "number", "minimum": 0, "maximum": 0.5}, "a number from 0 to 0.5"),
        ({"type": "number", "exclusiveMinimum": 0}, "a number above 0"),
        (
            {"type": "number", "minimum": 1, "exclusiveMaximum": 2000},
            "a number at least 1 and below 2,000",
        ),
        ({"type": "boolean"}, "true or false"),
        ({"type": "string"}, "text"),
        ({"type": "string", "maxLength": 1000}, "text of at most 1,000 characters"),
        ({"type": "string", "minLength": 1, "maxLength": 9}, "text of 1 to 9 characters"),
        ({"type": "string", "format": "date"}, "a date such as 2026-11-01"),
        ({"type": "string", "pattern": "^x$"}, "text that matches ^x$"),
        ({"type": "string", "pattern": "^[0-9a-f]{64}$"}, "64 hexadecimal digits"),
        ({"enum": ["a", "b", "c"]}, "a, b or c"),
        ({"const": "a"}, "a"),
        ({"type": "array"}, "a list"),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, "a list, each one of a or b"),
        ({"type": "array", "maxItems": 3, "minItems": 1}, "a list of at least 1 and at most 3"),
        ({"type": "object"}, "a mapping"),
        ({"type": "object", "minProperties": 1, "maxProperties": 1}, "a mapping of 1"),
        ({"anyOf": [{"$ref": "#/$defs/P"}, {"type": "null"}]}, "a mapping with the key a or null"),
        ({}, "any value"),
        (
            {"type": "object", "properties": {key: {} for key in "abcdefghij"}},
            "a mapping with the keys a, b, c, d, e, f, g, h and others",
        ),
    ],
)
def test_says_what_is_accepted(schema: dict[str, Any], expected: str) -> None:
    assert words(**schema) == expected


def test_follows_a_path_through_every_alternative() -> None:
    shape = Shape.of(
        {
            **ROOT,
            "properties": {
                "x": {"oneOf": [{"$ref": "#/$defs/P"}, {"prefixItems": [{"const": 1}]}]},
                "y": {"patternProperties": {"^a": {"const": 2}}, "additionalProperties": False},
            },
        }
    )
    assert shape.at(["x", "a"]).describe() == "any value"
    assert shape.at(["x", 0]).values == ("1",)
    assert shape.at(["x", 1]).describe() == ""
    assert shape.at(["y", "anything"]).values == ("2",)
    assert shape.at(["z"]).names == ()
    assert shape.at(["x"]).titled("P").names == ("a",)
    assert shape.at(["x"]).titled("Q").names == ("a",)


def test_the_keys_of_a_free_mapping() -> None:
    by_name = {"propertyNames": {"enum": ["prompt", "model"]}}
    assert Shape.of(by_name).keys().nearest("promt") == "prompt"
    assert (
        Shape.of({"patternProperties": {"^[0-9a-f]{64}$": {}}}).keys().describe().startswith("64")
    )
    assert Shape.of({"type": "object"}).keys().describe() == ""


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("ownr", "owner"),
        ("Owner", "owner"),
        ("top-k", "top_k"),
        ("topK", "top_k"),
        ("colour", ""),
        ("", ""),
        ("x" * 10_000, ""),
    ],
)
def test_the_nearest_name(found: str, expected: str) -> None:
    assert nearest(found, ["owner", "top_k", "version"]) == expected


@pytest.mark.parametrize(("found", "expected"), [("Yes", "true"), ("off", "false"), ("maybe", "")])
def test_the_nearest_boolean(found: str, expected: str) -> None:
    assert Shape.of({"type": "boolean"}).nearest(found) == expected
