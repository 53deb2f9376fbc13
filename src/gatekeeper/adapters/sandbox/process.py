"""Asking a process of its own, which is ended when its time is over."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gatekeeper
from gatekeeper.adapters.sandbox.answers import ARRAYS
from gatekeeper.adapters.sandbox.confine import Limits
from gatekeeper.adapters.sandbox.statement import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT: Final = Limits()
_START: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from gatekeeper.adapters.sandbox.program import main; main()"
)
_ENVIRONMENT: Final = {"LANG": "C.UTF-8", "TZ": "UTC"}
_TALK: Final = 1 << 20
"""Bytes that an answer may have beside its rows."""
_ROW: Final = 8 * len(ARRAYS)


@dataclass(frozen=True, slots=True)
class Question:
    """A query to be run.

    Attributes:
        sql: The query.
        kind: Of the metric.
        paths: Files that the views read.
        sides: SQL that makes the views, for each side that is asked of.
        rows: Requests of all sides: more rows than that are never right.
    """

    sql: str
    kind: str
    paths: Sequence[str]
    sides: Sequence[Sequence[str]]
    rows: int


def check(
    queries: Sequence[tuple[str, str]], views: Sequence[str], limits: Limits = DEFAULT
) -> list[list[Fault]]:
    """What is wrong with each query and its kind, as far as can be told without records."""
    request = {"ask": "check", "queries": queries, "views": views, "paths": ()}
    told = _ask(request, limits, _TALK)
    if isinstance(told, Fault):  # one query ended the process: which?
        alone = (check([query], views, limits)[0] for query in queries)
        return [[told]] if len(queries) == 1 else list(alone)
    return [[Fault(*fault) for fault in faults] for faults in told[0]["checks"]]


def rows(question: Question, limits: Limits = DEFAULT) -> Fault | list[dict[str, Any]]:
    """The rows of each side as arrays named `ARRAYS`, or why there are none."""
    request = {
        "ask": "rows",
        "query": question.sql,
        "kind": question.kind,
        "sides": question.sides,
        "paths": question.paths,
    }
    told = _ask(request, limits, _TALK + _ROW * question.rows)
    if isinstance(told, Fault):
        return told
    for side in told[0]["sides"]:
        if "fault" in side:
            return Fault(*side["fault"])
    return _arrays([side["rows"] for side in told[0]["sides"]], told[1])


def _arrays(sizes: Sequence[int], data: bytes) -> list[dict[str, Any]]:
    import numpy as np

    left, made, start = memoryview(data), [], 0
    for size in sizes:
        arrays = {}
        for name in ARRAYS:
            kind = np.uint64 if name in {"high", "low"} else np.int64
            end = start + 8 * size
            arrays[name] = np.frombuffer(left[start:end], kind)
            start = end
        made.append(arrays)
    return made


def _ask(
    request: dict[str, Any], limits: Limits, most: int
) -> Fault | tuple[dict[str, Any], bytes]:
    root = str(Path(gatekeeper.__file__).parent.parent)
    late = threading.Event()
    with subprocess.Popen(  # noqa: S603 - this interpreter, and nothing that anybody wrote
        [sys.executable, "-I", "-c", _START, root],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_ENVIRONMENT,
        cwd="/",
        start_new_session=True,
    ) as process:
        timer = threading.Timer(limits.seconds, _end, (process, late))
        timer.start()
        try:
            said = _exchange(process, {**request, "limits": limits.plain()}, most)
        finally:
            timer.cancel()
            _end(process, None)
    return _answer(process, said, limits, late=late.is_set())


def _exchange(process: subprocess.Popen[bytes], request: dict[str, Any], most: int) -> bytes:
    """Send the request and read what is said, up to what an answer may have at most."""
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the process has no pipes")
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(json.dumps(request).encode())
        process.stdin.close()
    return process.stdout.read(most)


def _end(process: subprocess.Popen[bytes], late: threading.Event | None) -> None:
    """Kill the process and all that it may have started."""
    if process.poll() is None:
        if late is not None:
            late.set()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _answer(
    process: subprocess.Popen[bytes], said: bytes, limits: Limits, *, late: bool
) -> Fault | tuple[dict[str, Any], bytes]:
    head, _, rest = said.partition(b"\n")
    if late or process.returncode == -signal.SIGXCPU:
        message = f"it was not done after {limits.seconds:g} seconds, and was stopped"
        return Fault("timeout", message, "a query that ends in time")
    try:
        return json.loads(head), rest
    except ValueError:
        message = "it ended the process that it ran in, as queries do that need too much memory"
        return Fault("crashed", message, "a smaller query")
