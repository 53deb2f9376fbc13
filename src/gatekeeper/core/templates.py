"""Prompt templates: a subset of Jinja2 that always ends, quickly, and calls nothing.

Variables, attributes, conditions, one level of loops and a few filters. What could run for ever
or grow without bound (calls, macros, assignments, nested loops, products) is refused at build.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gatekeeper.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jinja2 import Template

FILTERS: Final = (
    "capitalize",
    "default",
    "join",
    "last",
    "length",
    "lower",
    "title",
    "trim",
    "upper",
)
_ALLOWED: Final = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.Test,
    nodes.If,
    nodes.For,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Add,
    nodes.Sub,
    nodes.Neg,
    nodes.Concat,
    nodes.Const,
    nodes.CondExpr,
    nodes.List,
    nodes.Tuple,
    nodes.Keyword,
    nodes.Slice,
)


@dataclass(frozen=True, slots=True)
class TemplateFault:
    """What a template may not hold, and where: `line` counts from 1 within the template."""

    line: int
    message: str
    nearest: str = ""


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in FILTERS}
    return environment


_ENVIRONMENT: Final = _environment()


def faults(text: str, variables: frozenset[str]) -> list[TemplateFault]:
    """Everything that keeps `text` from being a template over `variables`."""
    try:
        tree = _ENVIRONMENT.parse(text)
        undeclared = meta.find_undeclared_variables(tree)
    except TemplateSyntaxError as error:
        return [TemplateFault(error.lineno, _reason(error))]
    except TemplateError as error:
        return [TemplateFault(1, _reason(error))]
    except RecursionError:
        return [TemplateFault(1, "is nested too deeply")]
    unknown = [
        TemplateFault(
            _line_of(tree, name),
            f"uses {name!r}, which the pipeline does not supply",
            next(iter(get_close_matches(name, variables, n=1)), ""),
        )
        for name in sorted(undeclared - variables)
    ]
    return unknown + list(_refused(tree))


def _reason(error: TemplateError) -> str:
    reason = str(error.message).rstrip(".")
    return f"does not parse: {reason[:1].lower()}{reason[1:]}"


def _line_of(tree: nodes.Template, name: str) -> int:
    return min((node.lineno for node in tree.find_all(nodes.Name) if node.name == name), default=1)


def _refused(tree: nodes.Template) -> Iterator[TemplateFault]:
    for node in _below(tree):
        if not isinstance(node, _ALLOWED):
            yield TemplateFault(node.lineno, f"uses {_named(node)}, which a prompt may not")
        elif isinstance(node, nodes.For) and any(node.find_all(nodes.For)):
            yield TemplateFault(node.lineno, "has a loop inside a loop, which a prompt may not")


def _below(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _below(child)


def _named(node: nodes.Node) -> str:
    names = {"Assign": "`set`", "Call": "a call", "Mul": "`*`", "Mod": "`%`", "Pow": "`**`"}
    kind = type(node).__name__
    return names.get(kind, f"`{kind.lower()}`")


@lru_cache(maxsize=256)
def _compiled(text: str) -> Template:
    return _ENVIRONMENT.from_string(text)


def render(text: str, values: Mapping[str, object]) -> str:
    """The template with its variables filled in; raises `InputError` when it cannot be."""
    try:
        return _compiled(text).render(values)
    except (TemplateError, TypeError, ValueError) as error:
        raise InputError([Problem(f"the prompt cannot be rendered: {error}")]) from error
