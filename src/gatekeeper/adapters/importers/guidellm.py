"""GuideLLM: the JSON report of a benchmark, as the suite `load`.

Latency counts from when a request was due, so that what waited in the client is not hidden. Only a
profile with a rate (constant, poisson) knows when that was; of the others, a latency says how the
client held back, and rules on latency have nothing to read.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.importers.files import document, field
from gatekeeper.adapters.importers.items import About, Item, Usage, micro
from gatekeeper.core.wording import counted
from gatekeeper.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_RATED: Final = {"constant", "poisson", "async"}
_GROUPS: Final = ("successful", "errored", "incomplete")


class GuidellmReport:
    """One report of one benchmark."""

    def __init__(self, path: Path) -> None:
        self._path = path
        report = document(path)
        benchmarks = field(report, "benchmarks", list, path)
        if len(benchmarks) != 1:
            message = f"holds {len(benchmarks)} benchmarks"
            accepted = "a report of one rate: run each rate by itself"
            raise InputError([Problem(message, str(path), accepted=accepted)])
        self._benchmark = benchmarks[0]
        self._rated = _strategy(self._benchmark) in _RATED
        metadata = report.get("metadata") or {}
        version = metadata.get("guidellm_version", "")
        self.about = About(tool=f"guidellm {version}".strip(), name=path.stem, suite="load")
        self.about.started = _moment(self._benchmark.get("start_time"))
        self.about.ended = _moment(self._benchmark.get("end_time"))

    def files(self) -> tuple[Path, ...]:
        """The report."""
        return (self._path,)

    def items(self) -> Iterator[Item]:
        """Every request, in the order in which they were due."""
        requests = field(self._benchmark, "requests", dict, self._path)
        found = [(one, group) for group in _GROUPS for one in requests.get(group) or ()]
        start = min((_due(one) or 0 for one, _ in found), default=0)
        found.sort(key=lambda pair: (_due(pair[0]) or 0, str(pair[0].get("request_id"))))
        for number, (request, group) in enumerate(found):
            yield self._item(number, request, group, start)
        self._judge_whole(requests, len(found))

    def _judge_whole(self, requests: dict[str, Any], recorded: int) -> None:
        counts = {group: len(requests.get(group) or ()) for group in _GROUPS}
        if counts["errored"]:
            self.about.partial.append(f"{counted(counts['errored'], 'request')} ended in an error")
        if counts["incomplete"]:
            self.about.partial.append(f"{counted(counts['incomplete'], 'request')} cancelled")
        totals = (self._benchmark.get("metrics") or {}).get("request_totals") or {}
        if (total := totals.get("total", recorded)) != recorded:
            self.about.partial.append(f"only {recorded:,} of {total:,} requests are in the report")

    def _item(self, number: int, request: dict[str, Any], group: str, start: float) -> Item:
        timings = (request.get("info") or {}).get("timings") or {}
        due, end = _due(request), timings.get("request_end")
        latency = None if due is None or end is None else micro(end - due)
        failed = group != "successful"
        return Item(
            sample=f"request-{number}",
            suite="load",
            status="error" if failed else "ok",
            reason=str((request.get("info") or {}).get("error") or group) if failed else None,
            time_us=micro(due),
            latency_us=latency,
            scheduled_us=micro(due - start) if self._rated and due is not None else None,
            answer=str(request.get("output") or ""),
            usage=_usage(request),
        )


def _due(request: dict[str, Any]) -> float | None:
    """Seconds since the epoch at which the request was meant to be sent."""
    timings = (request.get("info") or {}).get("timings") or {}
    for name in ("targeted_start", "scheduled_at", "request_start"):
        if isinstance(timings.get(name), int | float):
            return float(timings[name])
    return None


def _usage(request: dict[str, Any]) -> Usage:
    prompt, output = request.get("prompt_tokens"), request.get("output_tokens")
    cached = request.get("cached_tokens") or 0
    first, between = request.get("time_to_first_token_ms"), request.get("inter_token_latency_ms")
    latency = request.get("request_latency")
    return Usage(
        model=_model(request),
        input_tokens=None if prompt is None else max(prompt - cached, 0),
        cached_input_tokens=None if prompt is None else cached,
        output_tokens=output,
        time_to_first_token_us=None if first is None else round(first * 1000),
        inter_token_us=None if between is None else round(between * 1000),
        latency_us=micro(latency),
    )


def _model(request: dict[str, Any]) -> str:
    try:
        sent = json.loads(request.get("request_args") or "null") or {}
    except ValueError:
        sent = {}
    return str((sent.get("body") or {}).get("model") or "unknown")


def _strategy(benchmark: dict[str, Any]) -> str:
    config = benchmark.get("config") or {}
    return str((config.get("strategy") or {}).get("type_", ""))


def _moment(seconds: float | None) -> datetime | None:
    return None if not seconds else datetime.fromtimestamp(seconds, UTC)
