"""Answers that were recorded elsewhere: JSON Lines, found by the messages that asked for them.

A line is ``{"model": …, "messages": [{"role", "content"}, …], "text": …}`` and may have ``seed``,
``input_tokens``, ``output_tokens``, ``mean_logprob`` and the other parts of a generation. Only
where each line begins is held in memory.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import fields
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from gatekeeper.errors import EngineError, InputError, Problem, UnavailableError
from gatekeeper.ports import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatekeeper.adapters.engines.seat import Seat
    from gatekeeper.model.components import Sampling, Serving
    from gatekeeper.ports import Message

RESPONSES: Final = "GATEKEEPER_RESPONSES"
VERSION: Final = "1"
_PARTS: Final = {one.name for one in fields(Generation)} - {"from_cache"}
_ASKED: Final = {"model", "messages", "seed"}
_TEXTS: Final = {"model", "text", "finish_reason"}
_MEASURES: Final = {"mean_logprob", "kv_cache_usage"}
_COUNTED: Final = {"input_tokens", "cached_input_tokens", "output_tokens"}
_KEY: Final = 8
"""Bytes of a key in memory; what is read is compared in full."""


class RecordedEngine:
    """The answers of one file, for one model."""

    def __init__(self, path: Path, model: str) -> None:
        self._model = model
        self._file: BinaryIO = path.open("rb")
        try:
            self._places, self._digest = _index(self._file, path)
        except BaseException:
            self._file.close()
            raise

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """What was answered from: nothing is known of what generated it."""
        return {"engine": "recorded", "version": VERSION, "responses": self._digest}

    async def generate(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        *,
        timeout: float,  # noqa: ARG002 - nothing is waited for
        json_schema: Mapping[str, Any] | None = None,  # noqa: ARG002 - checked by the pipeline
    ) -> Generation:
        """The recorded answer: for this seed, or for any; raises `EngineError` without one."""
        if self._file.closed:
            raise EngineError("the file of responses has been closed", retryable=False)
        asked = [[one.role, one.content] for one in messages]
        for seed in (sampling.seed, None):
            found = self._find(asked, seed)
            if found is not None:
                return found
        raise EngineError("no answer is recorded for these messages", retryable=False)

    async def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _find(self, asked: list[list[str]], seed: int | None) -> Generation | None:
        place = self._places.get(_key(self._model, asked, seed))
        if place is None:
            return None
        self._file.seek(place)
        line = json.loads(self._file.readline())
        same = (line["model"], _messages(line), line.get("seed")) == (self._model, asked, seed)
        return _generation(line) if same else None


def installed(serving: Serving) -> str:
    """Version 1 of the format, where a file is named."""
    _path(serving)
    return VERSION


async def open_engine(seat: Seat) -> RecordedEngine:
    """The answers for one model; raises `InputError` with every line that holds none."""
    import asyncio

    return await asyncio.to_thread(RecordedEngine, _path(seat.serving), seat.name)


def _path(serving: Serving) -> Path:
    named = serving.engine_args.get("responses") or os.environ.get(RESPONSES)
    if not isinstance(named, str):
        raise UnavailableError("no file of responses is named", fix="give one with --responses")
    if not Path(named).is_file():
        raise UnavailableError(
            "there is no such file of responses", where=named, fix="give one with --responses"
        )
    return Path(named)


def _index(file: BinaryIO, path: Path) -> tuple[dict[int, int], str]:
    places: dict[int, int] = {}
    digest, offset, problems = hashlib.sha256(), 0, []
    for number, line in enumerate(file, 1):
        digest.update(line)
        try:
            places.setdefault(_key_of_line(line), offset)
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            problems.append(Problem(f"is no recorded answer: {_said(error)}", str(path), number, 1))
            if len(problems) >= 100:  # noqa: PLR2004 - enough to see what is wrong
                break
        offset += len(line)
    if problems:
        raise InputError(problems)
    return places, f"sha256:{digest.hexdigest()}"


def _said(error: Exception) -> str:
    return f"it lacks {error}" if isinstance(error, KeyError) else str(error)


def _key_of_line(line: bytes) -> int:
    content = json.loads(line)
    if not isinstance(content, dict):
        raise TypeError("it is no object")
    if unknown := sorted(content.keys() - _PARTS - _ASKED):
        raise ValueError(f"unknown {', '.join(unknown)}")
    for name in sorted(content.keys() - {"messages"}):
        _refuse_other(name, content[name])
    if not isinstance(content["text"], str):
        raise TypeError("`text` is no text")
    asked = _messages(content)
    if not all(isinstance(part, str) for one in asked for part in one):
        raise TypeError("a message has a `role` or `content` that is no text")
    return _key(content["model"], asked, content.get("seed"))


def _refuse_other(name: str, value: Any) -> None:
    """Texts, measures (null where they are not known) and counts; nothing is read as another."""
    if name in _TEXTS:
        if not isinstance(value, str):
            raise TypeError(f"`{name}` is no text")
    elif value is None and name not in _COUNTED:
        return
    elif name in _MEASURES:
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise TypeError(f"`{name}` is no number")
    elif type(value) is not int or value < 0:
        raise TypeError(f"`{name}` is no count")


def _messages(content: dict[str, Any]) -> list[list[str]]:
    return [[one["role"], one["content"]] for one in content["messages"]]


def _generation(line: dict[str, Any]) -> Generation:
    given = {key: value for key, value in line.items() if key in _PARTS}
    return Generation(**{"input_tokens": 0, "output_tokens": 0, **given})


def _key(model: str, asked: list[list[str]], seed: int | None) -> int:
    content = json.dumps([model, asked, seed]).encode()
    return int.from_bytes(hashlib.blake2b(content, digest_size=_KEY).digest())
