"""From request and chunks to the messages that the model reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.core import templates
from gatekeeper.ports import Message

if TYPE_CHECKING:
    from gatekeeper.model.components import Components
    from gatekeeper.pipeline.visit import Visit

CORRECTION = "That was not valid: {problem}. Answer again, in the required form only."


class Prompter:
    """The prompt component, ready for use. Texts from outside are values, never templates."""

    def __init__(self, components: Components) -> None:
        self._prompt = components.prompt
        self._tools = {
            name: {"description": tool.description, "parameters": tool.parameters}
            for name, tool in components.tools.allow.items()
        }

    def messages(self, visit: Visit) -> list[Message]:
        """System, few-shot examples, history, the request, and what was already tried.

        Raises:
            InputError: A template fails on these values.
        """
        values = self._values(visit)
        system = templates.render(self._prompt.system, values)
        found = [Message("system", system)] if system else []
        for example in self._prompt.few_shot:
            found.append(Message("user", example.user))
            found.append(Message("assistant", example.assistant))
        found.extend(Message(turn.role, turn.content) for turn in visit.request.history)
        found.append(Message("user", templates.render(self._prompt.template, values)))
        found.extend(visit.exchange)
        return found

    def _values(self, visit: Visit) -> dict[str, object]:
        return {
            "input": visit.text,
            "chunks": visit.chunks,
            "context": numbered([chunk.text for chunk in visit.chunks]),
            "format": visit.request.response_format,
            "tenant": visit.request.tenant_id,
            "tools": self._tools,
            "history": visit.request.history,
            "task_class": visit.request.task_class or "",
        }


def numbered(texts: list[str]) -> str:
    """`[1] …` and so on, a line each; `none` when there is nothing."""
    return "\n".join(f"[{index}] {text}" for index, text in enumerate(texts, 1)) or "none"


def correction(said: str, problem: str) -> tuple[Message, Message]:
    """The model's answer and what is wrong with it, for one more attempt."""
    return Message("assistant", said), Message("user", CORRECTION.format(problem=problem))
