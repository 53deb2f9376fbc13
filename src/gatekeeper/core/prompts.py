"""From a prompt and its variables to the messages of a conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.core.templates import render

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gatekeeper.model.components import Prompt


def conversation(
    prompt: Prompt,
    variables: Mapping[str, object],
    history: Iterable[tuple[str, str]] = (),
) -> list[tuple[str, str]]:
    """Role and content of every message: system, few-shot, `history`, then the request.

    A system prompt that renders to nothing is left out.
    """
    system = render(prompt.system, variables).strip()
    messages = [("system", system)] if system else []
    for example in prompt.few_shot:
        messages += [("user", example.user), ("assistant", example.assistant)]
    messages += history
    messages.append(("user", render(prompt.template, variables)))
    return messages
