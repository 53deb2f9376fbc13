"""Answers that are not envelopes: errors, always as located JSON."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from gatekeeper.errors import GatekeeperError, InputError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatekeeper.errors import Problem


class RequestRefusedError(GatekeeperError):
    """A request that cannot be read, with the HTTP status that says so."""

    exit_code = 2
    code = "bad-request"

    def __init__(self, status: int, what: str, *, fix: str = "") -> None:
        self.status = status
        super().__init__(what, fix=fix)


def error_answer(error: GatekeeperError) -> JSONResponse:
    """The answer to a request that failed, in a shape that OpenAI clients read too."""
    problems = error.problems if isinstance(error, InputError) else ()
    status = _status(error)
    ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    document: dict[str, Any] = {
        "code": error.code,
        "message": "; ".join(map(_line, problems)) or error.what,
        "type": "server_error" if ours else "invalid_request_error",
        "param": problems[0].path or None if problems else None,
        "fix": error.fix,
        "problems": [_located(problem) for problem in problems],
    }
    headers = {"retry-after": "1"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return JSONResponse({"error": document}, status, headers)


def _status(error: GatekeeperError) -> HTTPStatus:
    if isinstance(error, RequestRefusedError):
        return HTTPStatus(error.status)
    if isinstance(error, InputError):
        return HTTPStatus.BAD_REQUEST
    if isinstance(error, UnavailableError):
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.INTERNAL_SERVER_ERROR


def _located(problem: Problem) -> Mapping[str, Any]:
    return {key: value for key, value in asdict(problem).items() if value}


def _line(problem: Problem) -> str:
    return f"{problem.path}: {problem.message}" if problem.path else problem.message
