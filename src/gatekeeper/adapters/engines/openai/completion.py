"""What an endpoint answered, as text and token counts."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.engines.openai.refusal import UsageMissingError
from gatekeeper.errors import EngineError
from gatekeeper.pipeline.tools import CLOSE, OPEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ENDED: Final = {"tool_calls": "stop", "function_call": "stop", "eos": "stop"}
"""Other words for an answer that came to its end."""


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer.

    Attributes:
        tokens: Of the prompt, of those from a prefix cache, and of the answer.
        system_fingerprint: What the endpoint calls the system that answered, if it says so.
    """

    text: str
    tokens: tuple[int, int, int]
    mean_logprob: float | None
    finish_reason: str
    system_fingerprint: str | None = None


def completion(document: Mapping[str, Any]) -> Completion:
    """The answer in a `chat.completion` document.

    Raises:
        EngineError: Something is absent, or is not what it has to be.
        UsageMissingError: The number of tokens is.
    """
    try:
        choice = _choice(document)
        reason = choice.get("finish_reason") or "stop"
        return Completion(
            text=_text(choice["message"]),
            tokens=_tokens(document.get("usage")),
            mean_logprob=_mean_logprob(choice.get("logprobs")),
            finish_reason=str(ENDED.get(reason, reason)),
            system_fingerprint=document.get("system_fingerprint"),
        )
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        # Other errors than of a key quote the response, which may repeat what is secret.
        missing = f" {error}" if isinstance(error, KeyError) else ""
        what = f"the response lacks what a completion has: {type(error).__name__}{missing}"
        raise EngineError(what) from None


def _choice(document: Mapping[str, Any]) -> dict[str, Any]:
    choices = document.get("choices")
    if not choices:
        raise EngineError("the response has no choice: nothing was answered")
    choice: dict[str, Any] = choices[0]
    if not choice.get("message"):
        raise EngineError("the response has an empty choice: nothing was answered")
    if choice.get("finish_reason") == "error":
        raise EngineError("the response says that generation ended in an error")
    return choice


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content") or message.get("refusal") or ""
    if not isinstance(content, str):
        content = "".join(part.get("text") or "" for part in content)
    tags = [tag(call["function"]) for call in message.get("tool_calls") or ()]
    if legacy := message.get("function_call"):
        tags.append(tag(legacy))
    return whole("\n".join([content, *tags]) if tags and content else content or "\n".join(tags))


def tag(call: Mapping[str, Any]) -> str:
    """A structured tool call as the pipeline's text: `<tool>NAME {json}</tool>`."""
    arguments = call.get("arguments") or "{}"
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments)
    # The same JSON, without what would end the tag or begin another.
    for mark in (OPEN, CLOSE):
        arguments = arguments.replace(mark, "\\u003c" + mark[1:])
    return f"{OPEN}{call['name']} {arguments}{CLOSE}"


def whole(text: str) -> str:
    """Halves of a surrogate pair joined; a half that is alone, which no file can hold, replaced."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _tokens(usage: Mapping[str, Any] | None) -> tuple[int, int, int]:
    if not usage or usage.get("prompt_tokens") is None or usage.get("completion_tokens") is None:
        raise UsageMissingError
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    prompt, output = int(usage["prompt_tokens"]), int(usage["completion_tokens"])
    cached = min(int(cached), prompt)
    if min(prompt, cached, output) < 0:
        raise EngineError("the response counts tokens below zero")
    return prompt - cached, cached, output


def _mean_logprob(logprobs: Mapping[str, Any] | None) -> float | None:
    return mean([token["logprob"] for token in (logprobs or {}).get("content") or ()])


def mean(values: Iterable[float]) -> float | None:
    """The mean; None of nothing, or where it is no number: that would pass for certainty."""
    numbers = [float(value) for value in values]
    found = sum(numbers) / len(numbers) if numbers else math.nan
    return found if math.isfinite(found) else None
