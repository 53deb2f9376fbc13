"""What a type accepts, in people's words, read from its JSON Schema."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

PATTERNS: Final = {
    r"^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$": (
        "a name of lower-case letters, digits and . _ - between them, at most 63 characters"
    ),
    r"^[a-z_]+(\.[A-Za-z_][\w-]*)*$": (
        "a place in a sample, such as input, expect.exact or tags.topic"
    ),
    r"^[A-Za-z_][A-Za-z0-9_.-]*$": (
        "a name that starts with a letter and has letters, digits and . _ -, at most 63 characters"
    ),
    r"^sha256:[0-9a-f]{64}$": "sha256: and 64 hexadecimal digits",
    r"^[0-9a-f]{64}$": "64 hexadecimal digits",
    r"^[0-9a-f]{40}$": "a full commit hash of 40 hexadecimal digits",
    r"^[^\s@]+@sha256:[0-9a-f]{64}$": "REPOSITORY@sha256: and 64 hexadecimal digits",
    r"^[\w.-]+(/[\w.-]+)?$": "a repository such as OWNER/NAME",
    r"^[<>=!~0-9.,*a-z +-]+$": "a version range such as >=1.2,<2",
    r"^[1-9][0-9]{0,5}[smhd]$": "a whole number and a unit: 90s, 30m, 24h, 7d",
    r"^[A-Za-z0-9][\w.:-]*$": "a name of letters, digits and . _ : -, at most 100 characters",
}
"""Every pattern of an authored type; a test keeps them in step."""

_FORMATS: Final = {"date": "a date such as 2026-11-01", "scorer": "the name of a scorer"}
MAX_NAMES: Final = 8
LARGE: Final = 1e15
"""Where digits say less than a power of ten."""
_BOUNDS: Final = (
    ("minimum", "at least"),
    ("exclusiveMinimum", "above"),
    ("maximum", "at most"),
    ("exclusiveMaximum", "below"),
)
_SIZES: Final = {"array": ("minItems", "maxItems"), "object": ("minProperties", "maxProperties")}
_BOOLEANS: Final = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false"}

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """What is accepted in one place: one or several alternatives."""

    root: Schema
    alternatives: tuple[Schema, ...]

    @classmethod
    def of(cls, schema: Schema) -> Shape:
        """The shape of a whole document."""
        return cls(schema, tuple(_flatten(schema, schema)))

    def at(self, path: Iterable[str | int]) -> Shape:
        """The shape of a value inside; empty where nothing is known of it."""
        found = self
        for part in path:
            steps = [step for schema in found.alternatives for step in _step(schema, part)]
            inner = [leaf for step in steps for leaf in _flatten(step, self.root)]
            found = Shape(self.root, tuple(inner))
        return found

    def titled(self, title: str) -> Shape:
        """Only the alternative of that name, where there is one."""
        found = tuple(schema for schema in self.alternatives if schema.get("title") == title)
        return Shape(self.root, found) if found else self

    def keys(self) -> Shape:
        """What the keys of a mapping with free keys have to be."""
        found: list[Schema] = []
        for schema in self.alternatives:
            patterns = schema.get("patternProperties", ())
            found += [{"type": "string", "pattern": pattern} for pattern in patterns]
            if not patterns and "propertyNames" in schema:
                found += _flatten({"type": "string", **schema["propertyNames"]}, self.root)
        return Shape(self.root, tuple(found))

    @property
    def names(self) -> tuple[str, ...]:
        """Keys that are accepted here, in the order in which they are declared."""
        return tuple(dict.fromkeys(n for s in self.alternatives for n in s.get("properties", ())))

    @property
    def values(self) -> tuple[str, ...]:
        """Texts that are accepted here, where they can be listed."""
        return tuple(str(value) for schema in self.alternatives for value in _values(schema))

    def describe(self) -> str:
        """Everything accepted here, such as ``a number from 0 to 1``."""
        schemas = [schema for schema in self.alternatives if schema.get("type") != "null"]
        words = list(dict.fromkeys(word for schema in schemas for word in self._words(schema)))
        if words and len(schemas) < len(self.alternatives):
            words.append("null")
        return _join(words, "or")

    def nearest(self, found: object) -> str:
        """The accepted value that `found` comes nearest to, if any."""
        text = str(found)
        if any(schema.get("type") == "boolean" for schema in self.alternatives):
            return _BOOLEANS.get(text.lower(), "")
        return nearest(text, self.values)

    def _words(self, schema: Schema) -> list[str]:
        if values := _values(schema):
            return [str(value) for value in values]
        kind = schema.get("type")
        if kind == "array":
            return [self._list(schema)]
        noun = _NOUNS.get(kind)
        return [noun(schema) if noun else "any value"]

    def _list(self, schema: Schema) -> str:
        noun = "a list" + _size(schema)
        if "items" not in schema:
            return noun
        inner = Shape(self.root, tuple(_flatten(schema["items"], self.root)))
        return f"{noun}, each {'one of ' if inner.values else ''}{inner.describe()}"


def nearest(found: str, names: Sequence[str]) -> str:
    """The name most like `found`, spelling of words aside; empty when none is like it."""
    folded = {_fold(name): name for name in names}
    matches = get_close_matches(_fold(found)[:100], folded, n=1, cutoff=0.7)
    return folded[matches[0]] if matches else ""


def _fold(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "").replace(" ", "")


def _flatten(schema: Schema, root: Schema) -> Iterator[Schema]:
    """References followed and unions taken apart."""
    if reference := schema.get("$ref"):
        yield from _flatten(root["$defs"][reference.removeprefix("#/$defs/")], root)
    elif inner := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        for part in inner:
            yield from _flatten(part, root)
    else:
        yield schema


def _step(schema: Schema, part: str | int) -> Iterator[Schema]:
    if isinstance(part, int):
        items = schema.get("items")
        yield from [items] if items else schema.get("prefixItems", [])[part : part + 1]
    elif part in schema.get("properties", {}):
        yield schema["properties"][part]
    else:
        candidates = [*schema.get("patternProperties", {}).values()]
        candidates.append(schema.get("additionalProperties"))
        yield from (inner for inner in candidates if isinstance(inner, dict))


def _values(schema: Schema) -> list[Any]:
    return [schema["const"]] if "const" in schema else list(schema.get("enum", ()))


def _mapping(schema: Schema) -> str:
    names = list(schema.get("properties", ()))
    if not names:
        return "a mapping" + _size(schema)
    required = [name for name in names if name in schema.get("required", ())]
    shown = (required or names)[:MAX_NAMES]
    words = _join(shown if len(shown) == len(names) else [*shown, "others"])
    return f"a mapping with the key{'s' if len(names) > 1 else ''} {words}"


def _text(schema: Schema) -> str:
    if pattern := schema.get("pattern"):
        return PATTERNS.get(pattern, f"text that matches {pattern}")
    if words := _FORMATS.get(schema.get("format", "")):
        return words
    low, high = schema.get("minLength"), schema.get("maxLength")
    if high is None:
        return "text"
    return f"text of {f'{low} to' if low else 'at most'} {high:,} characters"


def _size(schema: Schema) -> str:
    low, high = (schema.get(key) for key in _SIZES[schema["type"]])
    if low == high:
        return f" of {low}" if low else ""
    given = [f"{word} {n}" for word, n in (("at least", low), ("at most", high)) if n]
    return f" of {_join(given)}" if given else ""


def _range(schema: Schema, bounds: Iterable[tuple[str, str]]) -> str:
    if "minimum" in schema and "maximum" in schema:
        return f"from {_number(schema['minimum'])} to {_number(schema['maximum'])}"
    return _join([f"{word} {_number(schema[key])}" for key, word in bounds if key in schema])


def _number(value: float) -> str:
    if abs(value) >= LARGE:
        return f"{value:g}"
    return f"{value:,.0f}" if float(value).is_integer() else repr(value)


def _join(words: Sequence[str], last: str = "and") -> str:
    return f" {last} ".join([", ".join(words[:-1]), *words[-1:]] if len(words) > 1 else words)


_NOUNS: Final[dict[Any, Callable[[Schema], str]]] = {
    "object": _mapping,
    "string": _text,
    "boolean": lambda _: "true or false",
    "integer": lambda schema: f"a whole number {_range(schema, _BOUNDS)}".rstrip(),
    "number": lambda schema: f"a number {_range(schema, _BOUNDS)}".rstrip(),
}
