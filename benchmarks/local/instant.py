"""An endpoint that answers chat completions at once: canned bytes, one process, no framework.

    python benchmarks/local/instant.py [--port 8000] [--tokens 20]

Prints its address, then serves until it is terminated. One token is one event where a stream is
asked for. Used by ../endpoint.py.
"""

from __future__ import annotations

import argparse
import asyncio
import json

TEXT = " the warranty lasts for 24 months and covers every part of the device but its battery"
USAGE = {"prompt_tokens": 120, "completion_tokens": 20, "total_tokens": 140}
HEAD = {"id": "chatcmpl-0123456789abcdef", "created": 1_790_000_000, "model": "instant"}


def words(count: int) -> list[str]:
    """So many tokens."""
    found = [f" {word}" for word in TEXT.split()]
    return [found[number % len(found)] for number in range(count)]


def logprob(text: str) -> dict[str, object]:
    return {"token": text, "logprob": -0.0123, "bytes": list(text.encode()), "top_logprobs": []}


def plain(tokens: int) -> bytes:
    """The response in one piece."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "".join(words(tokens))},
        "finish_reason": "stop",
        "logprobs": {"content": [logprob(word) for word in words(tokens)]},
    }
    usage = {**USAGE, "completion_tokens": tokens}
    body = {**HEAD, "object": "chat.completion", "choices": [choice], "usage": usage}
    data = json.dumps(body).encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


def stream(tokens: int) -> bytes:
    """The response as chunks, one an event."""
    choices: list[dict[str, object]] = [{"index": 0, "delta": {"role": "assistant", "content": ""}}]
    for word in words(tokens):
        told = {"content": [logprob(word)]}
        choices.append({"index": 0, "delta": {"content": word}, "logprobs": told})
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    kind = {**HEAD, "object": "chat.completion.chunk"}
    events = [json.dumps({**kind, "choices": [choice]}) for choice in choices]
    events.append(
        json.dumps({**kind, "choices": [], "usage": USAGE | {"completion_tokens": tokens}})
    )
    events.append("[DONE]")
    parts = [f"data: {event}\n\n".encode() for event in events]
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    return head + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


class Instant(asyncio.Protocol):
    """One connection."""

    def __init__(self, whole: bytes, pieces: bytes) -> None:
        self.whole, self.pieces = whole, pieces
        self.data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            start = self.data.lower().find(b"content-length:", 0, end)
            length = int(self.data[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
            last = end + 4 + length
            if len(self.data) < last:
                return
            request, self.data = self.data[:last], self.data[last:]
            self.transport.write(self.answer(request, end))

    def answer(self, request: bytes, end: int) -> bytes:
        """The bytes for one request."""
        if not request.startswith(b"POST"):
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        asks = request.find(b'"stream":true', end) > 0 or request.find(b'"stream": true', end) > 0
        return self.pieces if asks else self.whole


async def main(port: int, tokens: int) -> None:
    whole, pieces = plain(tokens), stream(tokens)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Instant(whole, pieces), "127.0.0.1", port)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tokens", type=int, default=20)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.port, arguments.tokens))
