"""JSON Schemas that no value can meet, as far as that shows without trying values.

Sound, not complete: what is called unmeetable is; patterns, formats, `multipleOf` and recursion are
not reasoned about.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KeyPath = tuple[str | int, ...]
Fault = tuple[KeyPath, str]
_TYPES: Final = ("null", "boolean", "number", "string", "array", "object")
_SIZES: Final = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}
_LOWER: Final = ("minimum", "exclusiveMinimum", *(low for low, _ in _SIZES.values()))
_UPPER: Final = ("maximum", "exclusiveMaximum", *(high for _, high in _SIZES.values()))


def unmeetable(schema: Any) -> Fault | None:
    """Why no value can meet a valid schema, and at which of its keys; None where one may."""
    return _Search(schema).fault(schema, (), ())


@dataclass(frozen=True, slots=True)
class _Search:
    root: Any

    def fault(self, schema: Any, path: KeyPath, followed: tuple[str, ...]) -> Fault | None:
        """The first reason found; `followed` are the references that led here."""
        if schema is False:
            return path, "is `false`, which nothing meets"
        if not isinstance(schema, dict):
            return None
        merged = self._merged(schema)
        return (
            _listed(schema, path)
            or self._composed(schema, path, followed)
            or self._every_type(merged, path, followed)
        )

    def _merged(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """The schema with what its `allOf` adds to types, bounds and required keys."""
        found = dict(schema)
        for part in schema.get("allOf", ()):
            inner = self._merged(part) if isinstance(part, dict) else {}
            for keys, tighter in ((_LOWER, max), (_UPPER, min)):
                for key in (key for key in keys if key in inner):
                    found[key] = tighter(found.get(key, inner[key]), inner[key])
            if "type" in inner:
                found["type"] = sorted(_types(inner) & _types(found))
            found["required"] = [*found.get("required", ()), *inner.get("required", ())]
        return found

    def _composed(
        self, schema: Mapping[str, Any], path: KeyPath, followed: tuple[str, ...]
    ) -> Fault | None:
        """Faults of the schemas that this one refers to, or is made of."""
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference not in followed:
            target = self._target(reference)
            if self.fault(target, (), (*followed, reference)):
                return (*path, "$ref"), f"{reference} is a schema that nothing meets"
        for number, part in enumerate(schema.get("allOf", ())):
            if found := self.fault(part, (*path, "allOf", number), followed):
                return found
        for key in ("anyOf", "oneOf"):
            parts = schema.get(key, ())
            faults = [self.fault(one, (*path, key, n), followed) for n, one in enumerate(parts)]
            if faults and all(faults):
                return (*path, key), "nothing meets any of these"
        if schema.get("not", False) in (True, {}):
            return (*path, "not"), "excludes everything"
        return None

    def _target(self, reference: str) -> Any:
        """What a reference within the document means; True where that is not known."""
        found = self.root
        if not reference.startswith("#"):
            return True
        for step in reference.removeprefix("#").split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            found = found.get(key, True) if isinstance(found, dict) else True
        return found

    def _every_type(
        self, schema: Mapping[str, Any], path: KeyPath, followed: tuple[str, ...]
    ) -> Fault | None:
        """A fault where values of all types that are allowed have one."""
        types = _types(schema)
        if not types:
            return (*path, "type"), "no value has all the types that are asked for"
        faults = [self._of_type(name, schema, path, followed) for name in sorted(types)]
        return faults[0] if all(faults) else None

    def _of_type(
        self, name: str, schema: Mapping[str, Any], path: KeyPath, followed: tuple[str, ...]
    ) -> Fault | None:
        if name in ("number", "integer"):
            return _empty_range(schema, path, whole=name == "integer")
        if name in _SIZES:
            low, high = (schema.get(key) for key in _SIZES[name])
            if low is not None and high is not None and low > high:
                return (*path, _SIZES[name][0]), f"{low} is above {_SIZES[name][1]}, {high}"
        if name == "object":
            return self._object(schema, path, followed)
        return self._array(schema, path, followed) if name == "array" else None

    def _object(
        self, schema: Mapping[str, Any], path: KeyPath, followed: tuple[str, ...]
    ) -> Fault | None:
        properties = schema.get("properties", {})
        closed = schema.get("additionalProperties") is False and "patternProperties" not in schema
        for key in dict.fromkeys(schema.get("required", ())):
            if key in properties:
                if found := self.fault(properties[key], (*path, "properties", key), followed):
                    return found[0], f"{found[1]}, and {key!r} is required"
            elif closed:
                return (*path, "required"), f"{key!r} is required, but no property may be called so"
        most = schema.get("maxProperties")
        required = len(set(schema.get("required", ())))
        if most is not None and required > most:
            return (
                *path,
                "maxProperties",
            ), f"{required} keys are required, {most} are allowed"
        if closed and schema.get("minProperties", 0) > len(properties):
            return (*path, "minProperties"), f"there are only {len(properties)} properties"
        return None

    def _array(
        self, schema: Mapping[str, Any], path: KeyPath, followed: tuple[str, ...]
    ) -> Fault | None:
        least = schema.get("minItems", 0)
        first = schema.get("prefixItems", [])
        for number, part in enumerate(first[:least]):
            if found := self.fault(part, (*path, "prefixItems", number), followed):
                return found
        if least > len(first) and "items" in schema:
            return self.fault(schema["items"], (*path, "items"), followed)
        return None


def _types(schema: Mapping[str, Any]) -> set[str]:
    """The types that are allowed; a whole number is a number."""
    given = schema.get("type", list(_TYPES))
    found = {given} if isinstance(given, str) else set(given)
    return found | ({"integer"} if "number" in found else set())


def _listed(schema: Mapping[str, Any], path: KeyPath) -> Fault | None:
    """None of the values that are listed meets the rest of what is asked."""
    if "enum" not in schema and "const" not in schema:
        return None
    key = "const" if "const" in schema else "enum"
    values = [schema["const"]] if key == "const" else schema["enum"]
    if not values:
        return (*path, key), "lists no value"
    kept = ("type", "enum", "const", *_LOWER, *_UPPER, "pattern", "required")
    rest = {name: schema[name] for name in kept if name in schema}
    return None if any(_valid(rest, one) for one in values) else (
        (*path, key), "no value here meets the rest of the schema"
    )  # fmt: skip


def _valid(schema: Mapping[str, Any], value: Any) -> bool:
    import jsonschema_rs

    return bool(jsonschema_rs.is_valid(dict(schema), value))


def _empty_range(schema: Mapping[str, Any], path: KeyPath, *, whole: bool) -> Fault | None:
    """No number is between the bounds."""
    lows = list(_bounds(schema, "minimum", "exclusiveMinimum"))
    highs = list(_bounds(schema, "maximum", "exclusiveMaximum"))
    if not lows or not highs:
        return None
    low, open_below, low_key = max(lows)
    high, open_above, high_key = min(highs, key=lambda one: (one[0], not one[1]))
    empty = low > high or (low == high and (open_below or open_above))
    if whole and not empty:
        first = math.floor(low) + 1 if open_below else math.ceil(low)
        last = math.ceil(high) - 1 if open_above else math.floor(high)
        empty = first > last
    return (
        ((*path, low_key), f"no number fits {low_key} {low} and {high_key} {high}")
        if empty
        else None
    )


def _bounds(
    schema: Mapping[str, Any], closed: str, exclusive: str
) -> Iterator[tuple[float, bool, str]]:
    for key, is_open in ((closed, False), (exclusive, True)):
        # In draft 4, `exclusiveMinimum` is a boolean beside `minimum`.
        if key in schema and not isinstance(schema[key], bool):
            yield schema[key], is_open, key
