"""MLflow: traces with their assessments, or the `eval_results_table.json` of `mlflow.evaluate`.

Traces are written with `Trace.to_json()`, one a line or in a list. Feedback is a score: numbers as
they are, truths and yes or no as 1 and 0. Feedback with an error is an error of the score.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.importers.files import document, field, first_object, objects, unexpected
from gatekeeper.adapters.importers.items import About, Item, Judgement, Usage, judged, tags_of
from gatekeeper.core.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_WORDS: Final = {"yes": 1.0, "no": 0.0, "true": 1.0, "false": 0.0, "pass": 1.0, "fail": 0.0}
_SCORE: Final = "/score"
_FINISHED: Final = {"OK", "ERROR"}


class MlflowResults:
    """One file of traces, or one table.

    Args:
        path: The file.
        resolved_by: Scores that must all be 1 where a need was met; by default the only one, or
            every one that is a truth.
    """

    def __init__(self, path: Path, *, resolved_by: tuple[str, ...] = ()) -> None:
        self._path = path
        self._resolved_by = resolved_by
        self._whole = None if _is_lines(path) else document(path)
        self._times: dict[str, int] = {}
        self.about = About(tool="mlflow", name=path.stem)

    def files(self) -> tuple[Path, ...]:
        """The file."""
        return (self._path,)

    def items(self) -> Iterator[Item]:
        """Every trace or row."""
        if isinstance(self._whole, dict):
            yield from self._rows(self._whole)
            return
        counts = {"ERROR": 0, "unfinished": 0}
        for line, trace in self._traces():
            info = field(trace, "info", dict, self._path, line)
            state = field(info, "state", str, self._path, line)
            counts["ERROR"] += state == "ERROR"
            counts["unfinished"] += state not in _FINISHED
            yield self._trace(info, state, line)
        if counts["ERROR"]:
            self.about.partial.append(f"{counted(counts['ERROR'], 'trace')} ended in an error")
        if counts["unfinished"]:
            self.about.partial.append(f"{counted(counts['unfinished'], 'trace')} unfinished")

    def _traces(self) -> Iterator[tuple[int, dict[str, Any]]]:
        if self._whole is None:
            yield from objects(self._path)
        elif isinstance(self._whole, list):
            yield from ((0, trace) for trace in self._whole)
        else:
            unexpected(self._path, "the document", "traces or a table")

    def _trace(self, info: dict[str, Any], state: str, line: int) -> Item:
        failed = state != "OK"
        began = datetime.fromisoformat(field(info, "request_time", str, self._path, line))
        self._note_time(began)
        scores = tuple(_feedback(info))
        latency = info.get("execution_duration_ms")
        metadata = info.get("trace_metadata") or {}
        sample, replicate = self._place(metadata)
        return Item(
            sample=sample,
            replicate=replicate,
            tags=tags_of(info.get("tags") or {}),
            status="error" if failed else "ok",
            time_us=round(began.timestamp() * 1e6),
            latency_us=None if latency is None else round(latency * 1000),
            reason=f"the trace is {state}" if failed else None,
            resolved=None if failed else self._resolved(scores),
            input=str(info.get("request_preview") or metadata.get("mlflow.traceInputs") or ""),
            answer=str(info.get("response_preview") or ""),
            usage=_usage(metadata),
            scores=scores,
        )

    def _place(self, metadata: dict[str, Any]) -> tuple[str, int]:
        """A sample is what was asked: that is the same in another run, and a trace's id is not."""
        asked = str(metadata.get("mlflow.traceInputs"))
        sample = f"in-{hashlib.sha256(asked.encode()).hexdigest()[:16]}"
        times = self._times[sample] = self._times.get(sample, -1) + 1
        self.about.replicates = max(self.about.replicates, times + 1)
        return sample, times

    def _note_time(self, moment: datetime) -> None:
        about = self.about
        about.started = min(about.started or moment, moment)
        about.ended = max(about.ended or moment, moment)

    def _rows(self, table: dict[str, Any]) -> Iterator[Item]:
        columns = field(table, "columns", list, self._path)
        for number, cells in enumerate(field(table, "data", list, self._path)):
            if not isinstance(cells, list) or len(cells) != len(columns):
                unexpected(self._path, f"data[{number}]", f"a list of {len(columns)}")
            row = dict(zip(columns, cells, strict=True))
            scores = tuple(
                judged(name.removesuffix(_SCORE), value, _WORDS)
                for name, value in row.items()
                if name.endswith(_SCORE)
            )
            yield Item(
                sample=f"row-{number}",
                status="ok",
                resolved=self._resolved(scores, binary=False),
                input=str(row.get("inputs", "")),
                answer=str(row.get("outputs", row.get("predictions", ""))),
                scores=scores,
            )

    def _resolved(self, scores: tuple[Judgement, ...], *, binary: bool = True) -> bool | None:
        values = {one.scorer: one.value for one in scores}
        if self._resolved_by:
            found = [values.get(name) for name in self._resolved_by]
        elif binary:
            found = [one.value for one in scores if one.detail == _TRUTH or one.error]
        else:
            found = list(values.values()) if len(values) == 1 else []
        return all(value == 1 for value in found) if found and None not in found else None


_TRUTH: Final = "a truth"
"""Detail of a score that was a truth, or yes or no, before it was a number."""


def _is_lines(path: Path) -> bool:
    first = first_object(path)
    return first is not None and "info" in first


def _feedback(info: dict[str, Any]) -> Iterator[Judgement]:
    """The valid feedback of a trace, the newest of each name."""
    found: dict[str, Judgement] = {}
    assessments = info.get("assessments") or ()
    for one in sorted(assessments, key=lambda one: str(one.get("last_update_time"))):
        feedback = one.get("feedback")
        if feedback is None or one.get("valid") is False:
            continue
        name, value = str(one.get("assessment_name")), feedback.get("value")
        error = feedback.get("error")
        if error:
            why = error.get("error_message") or error.get("error_code") or "the scorer failed"
            found[name] = Judgement(name, None, str(why)[:500])
        else:
            truth = isinstance(value, bool) or (isinstance(value, str) and value in _WORDS)
            found[name] = judged(name, value, _WORDS, _TRUTH if truth else "")
    yield from found.values()


def _usage(metadata: dict[str, Any]) -> Usage:
    try:
        tokens = json.loads(metadata.get("mlflow.trace.tokenUsage") or "null") or {}
    except ValueError:
        tokens = {}
    prompt, completion = tokens.get("input_tokens"), tokens.get("output_tokens")
    known = prompt is not None and completion is not None
    return Usage(
        input_tokens=prompt, cached_input_tokens=0 if known else None, output_tokens=completion
    )
