"""May a JSON Schema follow another? Adding is fine; removing and retyping is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a document: its place, its types, its allowed values, whether it must be."""

    types: frozenset[str]
    values: frozenset[str] | None
    required: bool


def breaking(old: Mapping[str, Any], new: Mapping[str, Any], *, request: bool = False) -> list[str]:
    """What in `new` breaks those who know `old`, a sentence each.

    Args:
        old: JSON Schema of what is published, as pydantic writes it.
        new: JSON Schema of what is to be published.
        request: Others write these documents: what becomes required breaks them too, and so does
            a type that is no longer accepted. In a response it is a type that is new.
    """
    before, after = fields(old), fields(new)
    found = [f"{path} was removed" for path in before if path not in after]
    for path, field in before.items():
        if path in after:
            found += _changes(path, field, after[path], request=request)
    if request:
        added = [path for path, field in after.items() if path not in before and field.required]
        found += [f"{path} is new and required" for path in added if _parent(path) in before]
    return sorted(found)


def _changes(path: str, old: Field, new: Field, *, request: bool) -> Iterator[str]:
    gone = old.types - new.types if request else new.types - old.types
    if gone or not old.types & new.types:
        yield f"{path} was {_listed(old.types)} and is {_listed(new.types)}"
    if new.values is not None and (old.values is None or old.values - new.values):
        yield f"{path} no longer has the values it had"
    if request and new.required and not old.required:
        yield f"{path} has become required"
    if not request and old.required and not new.required:
        yield f"{path} may now be absent"


def fields(schema: Mapping[str, Any]) -> dict[str, Field]:
    """Every field of a document by its path, such as `citations[].source`."""
    root = dict(schema)
    return dict(_walk(root, root.get("$defs", {}), "", required=True))


def _walk(
    schema: Schema, definitions: Schema, path: str, *, required: bool
) -> Iterator[tuple[str, Field]]:
    options = list(_options(schema, definitions))
    types = frozenset(str(option["type"]) for option in options if "type" in option)
    values = [str(value) for option in options for value in _values(option)]
    yield path, Field(types, frozenset(values) if values else None, required)
    for option in options:
        needed = option.get("required", ())
        for name, inner in option.get("properties", {}).items():
            place = f"{path}.{name}" if path else name
            yield from _walk(inner, definitions, place, required=name in needed)
        if isinstance(option.get("items"), dict):
            yield from _walk(option["items"], definitions, f"{path}[]", required=True)


def _options(schema: Schema, definitions: Schema) -> Iterator[Schema]:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        yield from _options(definitions[name], definitions)
    elif "anyOf" in schema:
        for option in schema["anyOf"]:
            yield from _options(option, definitions)
    else:
        yield schema


def _values(schema: Schema) -> list[Any]:
    return schema["enum"] if "enum" in schema else [schema["const"]] if "const" in schema else []


def _parent(path: str) -> str:
    return path.removesuffix("[]") if path.endswith("[]") else path.rpartition(".")[0]


def _listed(types: frozenset[str]) -> str:
    return " or ".join(sorted(types)) or "anything"
