"""A real endpoint that speaks chat completions and answers from the context that it is sent."""

from __future__ import annotations

import json
import re
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ABSENT = "The documentation does not say."


def answer(prompt: str) -> str:
    """`24 months [1]`, where a line of the context names what the question names."""
    context, _, question = prompt.rpartition("Question: ")
    asked = set(re.findall(r"\w+", question)) - {"What", "is", "the", "of"}
    for line in context.splitlines():
        found = re.match(r"\[(\d+)\] The (.+) is (.+)\.$", line)
        if found and asked <= set(re.findall(r"\w+", found[2])):
            return f"{found[3]} [{found[1]}]"
    return ABSENT


@contextmanager
def endpoint(speak: Callable[[str], str] = answer) -> Iterator[str]:
    """The address of the endpoint, which is there for the length of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            said = speak(request["messages"][-1]["content"])
            usage = {"prompt_tokens": 100, "completion_tokens": len(said.split())}
            choice = {"message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
            body = json.dumps({"choices": [choice], "usage": usage}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):  # whoever asked may have gone
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
