"""Schemas that nothing meets are named; those that something meets never are."""

from __future__ import annotations

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.checks.unmeetable import unmeetable

CLOSED = {"type": "object", "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        (False, ()),
        ({"enum": []}, ("enum",)),
        ({"type": "string", "enum": [1, 2]}, ("enum",)),
        ({"type": "integer", "const": 1.5}, ("const",)),
        ({"enum": ["a"], "const": "b"}, ("const",)),
        ({"type": "number", "minimum": 5, "maximum": 3}, ("minimum",)),
        ({"type": "number", "exclusiveMinimum": 3, "maximum": 3}, ("exclusiveMinimum",)),
        ({"type": "integer", "minimum": 1.2, "maximum": 1.8}, ("minimum",)),
        ({"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 2}, ("exclusiveMinimum",)),
        ({"type": "string", "minLength": 5, "maxLength": 3}, ("minLength",)),
        ({"type": ["string", "array"], "minLength": 5, "maxLength": 3, "minItems": 2,
          "maxItems": 1}, ("minItems",)),
        ({"type": "array", "minItems": 1, "items": False}, ("items",)),
        ({"type": "array", "minItems": 1, "prefixItems": [{"enum": []}]},
         ("prefixItems", 0, "enum")),
        ({**CLOSED, "required": ["a"]}, ("required",)),
        ({**CLOSED, "properties": {"a": {}}, "minProperties": 2}, ("minProperties",)),
        ({"type": "object", "required": ["a", "b"], "maxProperties": 1}, ("maxProperties",)),
        ({"type": "object", "properties": {"a": False}, "required": ["a"]}, ("properties", "a")),
        ({"anyOf": [False, {"enum": []}]}, ("anyOf",)),
        ({"allOf": [{"type": "string"}, {"type": "object"}]}, ("type",)),
        ({"type": "number", "minimum": 5, "allOf": [{"maximum": 3}]}, ("minimum",)),
        ({"not": {}}, ("not",)),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"enum": []}}}, ("$ref",)),
    ],
)  # fmt: skip
def test_what_nothing_meets_is_named_at_its_key(schema, path):
    found = unmeetable(schema)
    assert found is not None
    assert found[0] == path


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        {"minimum": 5, "maximum": 3},
        {"type": ["number", "null"], "minimum": 5, "maximum": 3},
        {"type": "object", "properties": {"a": False}},
        {"type": "array", "items": False},
        {"type": "integer", "minimum": 3, "maximum": 3},
        {"anyOf": [False, {"type": "string"}]},
        {"$ref": "#"},
        {"type": "object", "properties": {"a": {"$ref": "#"}}},
        {"$ref": "#/nowhere"},
        {"type": "integer", "minimum": 3, "maximum": 9, "exclusiveMaximum": True},
    ],
)
def test_what_something_meets_is_left_alone(schema):
    assert unmeetable(schema) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "bcd", 0.5]),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.sampled_from("ab"), one, max_size=2),
    max_leaves=4,
)
TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
SMALL = st.integers(0, 3)


def nodes(inner):
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=2, unique=True),
            "minimum": SMALL, "maximum": SMALL,
            "exclusiveMinimum": SMALL, "exclusiveMaximum": SMALL,
            "minLength": SMALL, "maxLength": SMALL, "minItems": SMALL, "maxItems": SMALL,
            "minProperties": SMALL, "maxProperties": SMALL,
            "enum": st.lists(VALUES, max_size=2), "const": VALUES,
            "required": st.lists(st.sampled_from("ab"), max_size=2, unique=True),
            "properties": st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
            "additionalProperties": st.booleans(),
            "items": inner, "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
        },
    )  # fmt: skip


@given(st.recursive(st.booleans() | nodes(st.booleans()), nodes, max_leaves=4), VALUES)
def test_no_schema_that_a_value_meets_is_called_unmeetable(schema, value):
    if jsonschema_rs.is_valid(schema, value):
        assert unmeetable(schema) is None
