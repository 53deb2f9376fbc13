"""The OpenAI chat format, as far as a release leaves anything to the caller.

The release decides system prompt, sampling and tools; a request that sets them is refused rather
than silently served otherwise.
"""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationError

from gatekeeper.errors import InputError, Problem
from gatekeeper.model.base import Frozen, ShortText
from gatekeeper.model.envelope import RequestEnvelope, ResponseEnvelope, Turn
from gatekeeper.runtime.answers import RequestRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PUBLIC_TENANT = "public"
ANONYMOUS = "anonymous"
FINISH = {"blocked": "content_filter"}


class TextPart(Frozen):
    """A part of a message; only text is understood."""

    type: Literal["text"]
    text: str


class ChatMessage(Frozen):
    """One message. System and tool messages belong to the release."""

    role: Literal["user", "assistant"]
    content: str | tuple[TextPart, ...]
    refusal: ShortText | None = None
    """As it stands in a response that a caller sends back."""

    @property
    def text(self) -> str:
        """The content as one text."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content)


class ResponseFormat(Frozen):
    """Text, or JSON after the schema of the release."""

    type: Literal["text", "json_object"]


class ChatRequest(Frozen):
    """What a caller may say."""

    decided: ClassVar = frozenset(
        [
            "frequency_penalty",
            "logit_bias",
            "logprobs",
            "max_completion_tokens",
            "max_tokens",
            "modalities",
            "parallel_tool_calls",
            "presence_penalty",
            "reasoning_effort",
            "seed",
            "stop",
            "temperature",
            "tool_choice",
            "tools",
            "top_logprobs",
            "top_p",
            "verbosity",
        ]
    )
    """What the release says instead: sampling and tools."""
    messages: Annotated[tuple[ChatMessage, ...], Field(min_length=1, max_length=1000)]
    model: ShortText | None = None
    """Any name. One that contains a digest must be the live release."""
    user: ShortText | None = None
    n: Literal[1] = 1
    stream: bool = False
    response_format: ResponseFormat = ResponseFormat(type="text")


def to_envelope(chat: ChatRequest, headers: Mapping[str, str], release: str) -> RequestEnvelope:
    """The request that `chat` stands for.

    Args:
        chat: The parsed body.
        headers: Tenant in `x-gatekeeper-tenant`, request id in `x-request-id`.
        release: Digest of the release that is going to serve it.

    Raises:
        RequestRefusedError: It asks for a stream, or for another release.
        InputError: It does not end with a user message, or a value does not fit an envelope.
    """
    _check(chat, release)
    *earlier, last = chat.messages
    try:
        return RequestEnvelope(
            request_id=headers.get("x-request-id") or f"req-{uuid.uuid4().hex}",
            tenant_id=headers.get("x-gatekeeper-tenant") or PUBLIC_TENANT,
            user_id=chat.user or ANONYMOUS,
            input=last.text,
            response_format="text" if chat.response_format.type == "text" else "json",
            history=tuple(Turn(role=turn.role, content=turn.text) for turn in earlier),
        )
    except ValidationError as error:
        raise InputError(
            [_problem(found["loc"], found["msg"]) for found in error.errors()]
        ) from None


def _check(chat: ChatRequest, release: str) -> None:
    if chat.stream:
        raise RequestRefusedError(400, "streaming is not supported", fix='leave out "stream"')
    if chat.model and "sha256:" in chat.model and not chat.model.endswith(release):
        raise RequestRefusedError(
            409, f"the live release is {release}", fix="leave out the digest, or retry later"
        )
    if chat.messages[-1].role != "user":
        last = f"messages.{len(chat.messages) - 1}.role"
        raise InputError([Problem("the last message is not the user's", path=last)])


def _problem(location: Sequence[int | str], message: str) -> Problem:
    places = {
        "request_id": "header x-request-id",
        "tenant_id": "header x-gatekeeper-tenant",
        "user_id": "user",
    }
    return Problem(message, path=places.get(str(location[0]), "messages"))


def to_completion(response: ResponseEnvelope, name: str) -> dict[str, Any]:
    """A chat completion with the envelope's facts in `gatekeeper`.

    Args:
        response: What the pipeline answered.
        name: The release's reference, said as the model.
    """
    envelope = response.model_dump(mode="json", by_alias=True)
    used = response.cost_signals
    return {
        "id": f"chatcmpl-{response.request_id}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": name,
        "choices": [_choice(response)],
        "usage": {
            "prompt_tokens": used.input_tokens,
            "completion_tokens": used.output_tokens,
            "total_tokens": used.input_tokens + used.output_tokens,
        },
        "gatekeeper": {key: value for key, value in envelope.items() if key != "answer"},
    }


def _choice(response: ResponseEnvelope) -> dict[str, Any]:
    return {
        "index": 0,
        "message": {"role": "assistant", "content": response.answer, "refusal": None},
        "logprobs": None,
        "finish_reason": FINISH.get(response.status, "stop"),
    }
