"""Tool calls in the model's words: parsed, checked against the allow-list, and never executed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatekeeper.model.envelope import ToolCall
from gatekeeper.pipeline.schemas import problem, validator

if TYPE_CHECKING:
    from gatekeeper.model.components import Tools

OPEN, CLOSE = "<tool>", "</tool>"


@dataclass(frozen=True, slots=True)
class Asked:
    """What one tool tag says: `arguments` is None when they are no JSON object."""

    name: str
    arguments: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class ToolFault:
    """Why the model's tool calls cannot be passed on.

    Attributes:
        reason: `forbidden_tool`, `tool_limit` or `tool_arguments`.
        detail: What the model may be told.
        count: How many calls were forbidden.
    """

    reason: str
    detail: str
    count: int = 0


class Toolbox:
    """The tools component, ready for use."""

    def __init__(self, tools: Tools) -> None:
        self._allow = tools.allow
        self.guardrail = tools.guardrail
        self._validators = {name: validator(tool.parameters) for name, tool in tools.allow.items()}

    def check(self, asked: list[Asked], before: int = 0) -> tuple[ToolCall, ...] | ToolFault:
        """The calls, approved or waiting for a person, or what is wrong with them.

        Args:
            asked: What this answer asks for.
            before: Calls that were made for the same request already.
        """
        forbidden = [call.name for call in asked if call.name not in self._allow]
        if forbidden:
            return ToolFault("forbidden_tool", ", ".join(forbidden), len(forbidden))
        most = self.guardrail.defaults.max_tool_calls
        if before + len(asked) > most:
            return ToolFault("tool_limit", f"more than {most} calls")
        for call in asked:
            found = self._problem(call)
            if found:
                return ToolFault("tool_arguments", f"the arguments of {call.name}: {found}")
        return tuple(
            ToolCall(name=call.name, arguments=call.arguments or {}, approved=self._approved(call))
            for call in asked
        )

    @property
    def escalates(self) -> bool:
        """Whether a person looks at calls that the schema validator refuses."""
        guardrail = self.guardrail
        return (
            "schema_validator" in guardrail.verifiers
            and guardrail.fallback.on_verifier_fail == "escalate_to_human"
        )

    def _problem(self, call: Asked) -> str:
        if call.arguments is None:
            return "not a JSON object"
        return problem(self._validators[call.name], call.arguments)

    def _approved(self, call: Asked) -> bool:
        triggers = self._allow[call.name].triggers
        return not set(triggers) & set(self.guardrail.require_approval_for)


def parse(text: str) -> list[Asked]:
    """The tool tags of an answer, in order; an unclosed one reaches to the end."""
    found = []
    for part in text.split(OPEN)[1:]:
        body, _, _ = part.partition(CLOSE)
        name, _, arguments = body.strip().partition(" ")
        found.append(Asked(name, _object(arguments)))
    return found


def without(text: str) -> str:
    """The answer without its tool tags."""
    head, *parts = text.split(OPEN)
    return (head + "".join(part.partition(CLOSE)[2] for part in parts)).strip()


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
