"""A model server that answers with what its prompt told it, so that a prompt shows in an answer.

Run as a script it listens on a free port of this machine and prints the port.
"""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request


def answer(messages: list[dict[str, str]]) -> str:
    """The manual's date, where it stands in the context, and the name to sign with."""
    system, question = messages[0]["content"], messages[-1]["content"]
    signature = re.search(r"Sign as (\w+)\.", system)
    fact = re.search(r"^\[(\d+)\] .*Northwind Manual is (.*)\.$", question, re.MULTILINE)
    if signature is None or fact is None:
        return "The documentation does not say."
    return f"{fact[2]} [{fact[1]}] - {signature[1]}"


def completion(messages: list[dict[str, str]]) -> dict[str, Any]:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": answer(messages)},
        "finish_reason": "stop",
    }
    return {"choices": [choice], "usage": {"prompt_tokens": 100, "completion_tokens": 9}}


@contextmanager
def model_server() -> Iterator[str]:
    """The address of a running one."""
    command = [sys.executable, __file__]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as popen:
        assert popen.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(popen.stdout.readline())}"
        finally:
            popen.terminate()


def main() -> None:
    import socket

    import uvicorn
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def completions(request: Request) -> JSONResponse:
        return JSONResponse(completion((await request.json())["messages"]))

    listener = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    app = Starlette(routes=[Route("/v1/chat/completions", completions, methods=["POST"])])
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_keep_alive=75)
    uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    main()
