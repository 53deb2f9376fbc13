"""What the model is told."""

from __future__ import annotations

from gatekeeper.model.base import Frozen, Text
from gatekeeper.model.components.values import JsonSchema


class Example(Frozen):
    """One few-shot exchange, sent before the request."""

    user: Text
    assistant: Text


class Prompt(Frozen):
    """What the model is told.

    `system` and `template` are sandboxed Jinja2 over the variables in
    `gatekeeper.core.checks.PROMPT_VARIABLES`.
    """

    system: Text = ""
    template: Text
    few_shot: tuple[Example, ...] = ()
    output_schema: JsonSchema | None = None
    """JSON Schema of the answer when a request asks for JSON."""
