"""What is sent: one chat completion, in the dialect that the endpoint understands."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatekeeper.adapters.engines.openai.options import Options
    from gatekeeper.model.components import Sampling
    from gatekeeper.ports import Message

TOOL_RESULT: Final = "Tool result:\n"
"""What a tool said has to name the call that it answers, and our tags carry no such name: it goes
out as the user's, marked by this."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the endpoint has not refused so far.

    Attributes:
        stream: The answer comes piece by piece.
        logprobs: With the probability of each token.
        length: What the greatest number of tokens is called; newer models accept no other name.
    """

    stream: bool
    logprobs: bool
    length: str = "max_tokens"

    @classmethod
    def of(cls, options: Options) -> Dialect:
        """What a release asks for."""
        return cls(options.stream, options.logprobs)

    def without(self, complaint: str) -> Dialect | None:
        """What is left when the endpoint complains; None where none of this is named."""
        if self.logprobs and "logprob" in complaint:
            return replace(self, logprobs=False)
        if self.stream and "stream" in complaint:
            return self.plain()
        if self.length == "max_tokens" and "max_completion_tokens" in complaint:
            return replace(self, length="max_completion_tokens")
        return None

    def plain(self) -> Dialect:
        """The answer in one piece."""
        return replace(self, stream=False)


def fields(
    model: str,
    messages: Sequence[Message],
    sampling: Sampling,
    json_schema: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """What is asked in any dialect."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [_message(one) for one in messages],
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
    }
    if sampling.top_k:
        body["top_k"] = sampling.top_k
    if sampling.stop:
        body["stop"] = sampling.stop
    if json_schema is not None:
        schema = {"name": "answer", "schema": json_schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


def encoded(body: Mapping[str, Any], most_tokens: int, dialect: Dialect) -> bytes:
    """The request's bytes."""
    asked = {**body, dialect.length: most_tokens}
    if dialect.logprobs:
        asked["logprobs"] = True
    if dialect.stream:
        asked["stream"] = True
        asked["stream_options"] = {"include_usage": True}
    return json.dumps(asked, separators=(",", ":")).encode()


def _message(message: Message) -> dict[str, str]:
    if message.role == "tool":
        return {"role": "user", "content": TOOL_RESULT + message.content}
    return {"role": message.role, "content": message.content}
