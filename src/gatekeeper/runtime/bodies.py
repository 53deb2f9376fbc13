"""Request bodies: bounded, JSON, of the right shape; all problems at once, located."""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from gatekeeper.errors import InputError, Problem
from gatekeeper.model.base import Frozen
from gatekeeper.runtime.answers import RequestRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails
    from starlette.requests import Request

T = TypeVar("T", bound=Frozen)
MAX_BODY = 2 * 1024 * 1024
SHOWN = 60


async def read_body(request: Request, limit: int = MAX_BODY) -> bytes:
    """The body of a JSON request.

    Raises:
        RequestRefusedError: 415 for another content type or encoding, 413 above `limit` bytes.
    """
    _check_type(request.headers)
    declared = request.headers.get("content-length", "0")
    too_large = RequestRefusedError(413, f"the body is larger than {limit} bytes")
    if declared.isdigit() and int(declared) > limit:
        raise too_large
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise too_large
    return bytes(body)


def _check_type(headers: Mapping[str, str]) -> None:
    found = headers.get("content-type", "")
    kind, _, parameters = found.partition(";")
    charset = parameters.strip().lower()
    if kind.strip().lower() != "application/json" or charset not in {"", "charset=utf-8"}:
        raise RequestRefusedError(
            415,
            f"content type {found[:SHOWN]!r} is not accepted" if found else "no content type",
            fix="send application/json in UTF-8",
        )
    if headers.get("content-encoding", "identity") != "identity":
        raise RequestRefusedError(415, "encoded bodies are not accepted", fix="send plain JSON")


def parse(body: bytes, kind: type[T]) -> T:
    """`body` as a `kind`; raises `InputError` with every problem."""
    try:
        value = kind.model_validate_json(body, by_alias=True, by_name=False)
    except ValidationError as error:
        problems = [_problem(found, kind) for found in error.errors(include_url=False)]
        raise InputError(problems) from None
    json.loads(body, object_pairs_hook=_unique)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InputError([Problem("given twice", path=twice[:SHOWN])])
    return found


def _problem(found: ErrorDetails, kind: type[Frozen]) -> Problem:
    path = ".".join(str(part)[:SHOWN] for part in found["loc"])
    if found["type"] == "json_invalid":
        place = re.search(r" at line (\d+) column (\d+)$", found["msg"])
        line, column = (int(place[1]), int(place[2])) if place else (0, 0)
        return Problem(f"{found['msg']}", line=line, column=column)
    if found["type"] == "missing":
        return Problem("required, and absent", path=path)
    if found["type"] == "extra_forbidden":
        return _unknown(path, kind)
    shown = json.dumps(found["input"], ensure_ascii=False, default=str)[:SHOWN]
    return Problem(f"{found['msg']}; found {shown}", path=path)


def _unknown(path: str, kind: type[Frozen]) -> Problem:
    names = [field.alias or name for name, field in kind.model_fields.items()]
    if path in getattr(kind, "decided", ()):
        return Problem("is decided by the release", path=path, accepted="leave it out")
    top = "." not in path
    nearest = get_close_matches(path, names, n=1) if top else []
    return Problem(
        "unknown field",
        path=path,
        accepted=", ".join(names) if top else "",
        nearest=nearest[0] if nearest else "",
    )
