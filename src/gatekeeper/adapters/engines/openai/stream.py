"""Server-sent events, parsed as little as possible.

While an answer arrives, its bytes are only collected: the first token is noticed by a pattern, the
end by a literal. All events are then read at once, as one JSON array: for 100 events that takes a
fraction of 100 calls. Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.engines.openai.decoding import decoded
from gatekeeper.errors import EngineError

if TYPE_CHECKING:
    import aiohttp

TOKEN: Final = re.compile(rb'"(?:content|reasoning|reasoning_content|refusal|arguments)": ?"[^"]')
"""The first text that is not empty. A quotation mark inside a text has a backslash before it."""
DONE: Final = b"[DONE]"
_BEFORE_DONE: Final = re.compile(rb"(?:^|[\r\n])data: ?$")
_BLANK: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")
FAREWELL: Final = 0.25
"""Seconds for the last bytes after the end mark. A connection whose response has not ended cannot
be used again."""


@dataclass(slots=True)
class Arrival:
    """A body and when it came: nanoseconds of `time.monotonic_ns`, 0 where it was not watched."""

    data: bytearray = field(default_factory=bytearray)
    first_ns: int = 0
    last_ns: int = 0


async def collect(content: aiohttp.StreamReader, most: int, *, watch: bool) -> Arrival:
    """A body, to its end or to the end mark of its stream.

    Args:
        content: Where it comes from.
        most: Bytes after which it is too long.
        watch: Note when tokens come.

    Raises:
        EngineError: It is too long.
    """
    arrival = Arrival()
    data = arrival.data
    while part := await content.readany():
        before = len(data)
        data += part
        if len(data) > most:
            raise EngineError(
                f"the response is too long: more than {most:,} bytes", retryable=False
            )
        if watch:
            _note(arrival, part, before)
            if _is_done(data, before):
                await _finish(content)
                break
    return arrival


def _note(arrival: Arrival, part: bytes, before: int) -> None:
    if arrival.first_ns:
        if b'"content"' in part or b'"reasoning' in part or b'"arguments"' in part:
            arrival.last_ns = time.monotonic_ns()
        return
    # An event may be cut anywhere: look again from the line that was not whole.
    start = arrival.data.rfind(b"\n", 0, before) + 1
    if TOKEN.search(arrival.data, start):
        arrival.first_ns = arrival.last_ns = time.monotonic_ns()


def _is_done(data: bytearray, before: int) -> bool:
    found = data.rfind(DONE, max(0, before - len(DONE)))
    return found >= 0 and _BEFORE_DONE.search(data[max(0, found - 8) : found]) is not None


async def _finish(content: aiohttp.StreamReader) -> None:
    if content.is_eof():
        return
    try:
        async with asyncio.timeout(FAREWELL):
            await content.readany()
    except TimeoutError:
        return


def is_stream(data: bytes | bytearray) -> bool:
    """Whether a body is events; an endpoint may ignore that it was asked for them."""
    return data.lstrip()[:6].startswith((b"data:", b"event:", b"id:", b"retry:", b":"))


def documents(data: bytes | bytearray) -> list[Any]:
    """The JSON of every event but the end mark, in order; raises `EngineError`."""
    lines = [line[5:] for line in bytes(data).splitlines() if line.startswith(b"data:")]
    if lines and lines[-1].strip() == DONE:
        lines.pop()
    try:
        return list(decoded(b"[" + b",".join(lines) + b"]"))
    except ValueError:
        return [_document(event) for event in _BLANK.split(data) if _payload(event)]


def _payload(event: bytes | bytearray) -> bytes:
    """The data of one event: its lines joined, as the format has it."""
    parts = [line[5:] for line in event.splitlines() if line.startswith(b"data:")]
    joined = b"\n".join(parts).strip()
    return b"" if joined == DONE else bytes(joined)


def _document(event: bytes | bytearray) -> Any:
    try:
        return decoded(_payload(event))
    except ValueError:
        raise EngineError("the response is a stream with an event that is not JSON") from None


def joined(events: list[Any]) -> dict[str, Any]:
    """The document that would have come in one piece; raises `EngineError` for half an answer.

    Only the first choice is of interest: no more than one is asked for.
    """
    whole = _Joined()
    try:
        for event in events:
            whole.add(event)
        return whole.document()
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        what = f"the response is a stream of something else: {type(error).__name__}"
        raise EngineError(what) from None


class _Joined:
    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._tokens: list[Any] = []
        self._calls: dict[int, dict[str, str]] = {}
        self._reason: str | None = None
        self._choices = 0

    def add(self, event: dict[str, Any]) -> None:
        """One event, most often one token."""
        for key in ("error", "usage", "system_fingerprint"):
            if event.get(key):
                self._head[key] = event[key]
        choices = event.get("choices")
        if not choices:
            return
        choice = choices[0]
        self._choices += 1
        self._add_delta(choice.get("delta") or {})
        if logprobs := choice.get("logprobs"):
            self._tokens += logprobs.get("content") or ()
        self._reason = choice.get("finish_reason") or self._reason

    def _add_delta(self, delta: dict[str, Any]) -> None:
        if content := delta.get("content"):
            self._text.append(content)
        if refusal := delta.get("refusal"):
            self._refusal.append(refusal)
        for call in delta.get("tool_calls") or ():
            self._add_call(call.get("index") or 0, call.get("function") or {})
        if legacy := delta.get("function_call"):
            self._add_call(0, legacy)

    def _add_call(self, index: int, function: dict[str, Any]) -> None:
        call = self._calls.setdefault(index, {"name": "", "arguments": ""})
        for key in call:
            call[key] += function.get(key) or ""

    def document(self) -> dict[str, Any]:
        """All of it; an error that was reported has the word, then what is missing."""
        if "error" in self._head:
            return self._head
        if self._choices and self._reason is None:
            raise EngineError("the response broke off: the stream ended before the answer did")
        message = {
            "role": "assistant",
            "content": "".join(self._text),
            "refusal": "".join(self._refusal),
            "tool_calls": [{"function": self._calls[index]} for index in sorted(self._calls)],
        }
        choice = {
            "message": message,
            "finish_reason": self._reason,
            "logprobs": {"content": self._tokens},
        }
        return {**self._head, "choices": [choice] if self._choices else []}
