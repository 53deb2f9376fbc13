"""What a JSON Schema says of fields: the text that stands below each of them in the source."""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel


def describe(kind: type[BaseModel], schema: dict[str, Any]) -> None:
    """Add the descriptions of the fields of `kind`, its own and those it has from others.

    Args:
        kind: A type.
        schema: Its JSON Schema, which is changed; descriptions that it has stay.
    """
    properties = schema.get("properties", {})
    texts = {name: text for one in reversed(kind.__mro__) for name, text in _below(one)}
    for name, text in texts.items():
        field = kind.model_fields.get(name)
        names = (name, field.alias) if field else ()
        for known in properties.keys() & set(names):
            properties[known].setdefault("description", text)


def _below(kind: type) -> Iterator[tuple[str, str]]:
    """The fields of the body of a class that have a text below them, and the texts."""
    if not kind.__module__.startswith("gatekeeper."):
        return
    (found,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    for field, text in pairwise(getattr(found, "body", ())):
        match field, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(said))),
            ):
                yield name, inspect.cleandoc(said)
