"""From request and chunks to the messages that the model reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.core.prompts import conversation
from gatekeeper.ports import Message

if TYPE_CHECKING:
    from gatekeeper.model.components import Components
    from gatekeeper.pipeline.visit import Visit

CORRECTION = "That was not valid: {problem}. Answer again, in the required form only."


class Prompter:
    """The prompt component, ready for use. Texts from outside are values, never templates."""

    def __init__(self, components: Components) -> None:
        self._prompt = components.prompt
        self._tools = tuple(components.tools.allow)

    def messages(self, visit: Visit) -> list[Message]:
        """System, few-shot examples, history, the request, and what was already tried.

        Raises:
            InputError: A template fails on these values.
        """
        history = [(turn.role, turn.content) for turn in visit.request.history]
        found = conversation(self._prompt, self._values(visit), history)
        return [*(Message(role, content) for role, content in found), *visit.exchange]

    def _values(self, visit: Visit) -> dict[str, object]:
        request = visit.request
        return {
            "input": visit.text,
            "chunks": [
                {"index": index, "text": chunk.text, "source": chunk.source}
                for index, chunk in enumerate(visit.chunks, 1)
            ],
            "context": numbered([chunk.text for chunk in visit.chunks]),
            "format": request.response_format,
            "tenant": request.tenant_id,
            "tools": self._tools,
            "history": request.history,
            "task_class": request.task_class or "",
        }


def numbered(texts: list[str]) -> str:
    """`[1] …` and so on, a line each; `none` when there is nothing."""
    return "\n".join(f"[{index}] {text}" for index, text in enumerate(texts, 1)) or "none"


def correction(said: str, problem: str) -> tuple[Message, Message]:
    """The model's answer and what is wrong with it, for one more attempt."""
    return Message("assistant", said), Message("user", CORRECTION.format(problem=problem))
