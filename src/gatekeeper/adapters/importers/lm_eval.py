"""lm-evaluation-harness: `results_*.json` with the `samples_*.jsonl` of `--log_samples` beside it.

One task is imported at a time. Its metrics are scores; where the task has several filters, the
scores are called `metric.filter`. Its standard errors are those of the same values.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.importers.files import document, field, objects, unexpected
from gatekeeper.adapters.importers.items import About, Item, Judgement, Usage, judged, resolved
from gatekeeper.errors import InputError, Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_STAMP: Final = re.compile(r"^results_(?P<stamp>.+)\.json$")


class LmEvalResults:
    """One task of one run.

    Args:
        path: The results file.
        task: Which task; needed where the run has several.
        resolved_by: Scores that must all be 1 where a need was met; the first by default.
    """

    def __init__(
        self, path: Path, *, task: str | None = None, resolved_by: tuple[str, ...] = ()
    ) -> None:
        self._path = path
        found = document(path)
        counts = field(found, "n-samples", dict, path)
        self._task = _chosen(path, tuple(counts), task)
        self._resolved_by = resolved_by
        self._samples = _beside(path, self._task)
        self._model = str(found.get("model_name") or "unknown")
        filters = {key.partition(",")[2] for key in found["results"].get(self._task, {})}
        self._several = len(filters - {""}) > 1
        self.about = _about(found, self._task, counts[self._task])

    def files(self) -> tuple[Path, ...]:
        """The results and the samples."""
        return (self._path, self._samples)

    def items(self) -> Iterator[Item]:
        """Every document of the task, its filters put together."""
        held: dict[int, list[dict[str, Any]]] = {}
        for number, line in objects(self._samples):
            doc = field(line, "doc_id", int, self._samples, number)
            if self._several:
                held.setdefault(doc, []).append(line)
            else:
                yield self._item(doc, [line])
        for doc, found in held.items():
            yield self._item(doc, found)

    def _item(self, doc: int, found: list[dict[str, Any]]) -> Item:
        scores = tuple(score for line in found for score in self._scores(line))
        wanted = self._resolved_by or tuple(one.scorer for one in scores[:1])
        return Item(
            sample=f"{self._task}-{doc}",
            status="ok",
            resolved=resolved(scores, wanted),
            input=_first(found[0].get("arguments")),
            answer=_answer(found[0]),
            usage=Usage(model=self._model),
            scores=scores,
        )

    def _scores(self, line: dict[str, Any]) -> Iterator[Judgement]:
        for metric in line.get("metrics") or ():
            name = f"{metric}.{line.get('filter')}" if self._several else str(metric)
            yield judged(name, line.get(metric), {})


def _chosen(path: Path, tasks: tuple[str, ...], task: str | None) -> str:
    if task is None and len(tasks) == 1:
        return tasks[0]
    names = ", ".join(sorted(tasks)) or "none"
    if task is None:
        raise UsageError(f"holds {len(tasks)} tasks", where=str(path), fix=f"--task: {names}")
    if task not in tasks:
        raise UsageError(f"has no task {task!r}", where=str(path), fix=f"--task: {names}")
    return task


def _beside(path: Path, task: str) -> Path:
    found = _STAMP.match(path.name)
    if found is None:
        unexpected(path, "its name", "results_TIME.json, so that its samples can be found")
    samples = path.with_name(f"samples_{task}_{found['stamp']}.jsonl")
    if not samples.is_file():
        message = f"has no samples beside it: {samples.name} is absent"
        accepted = "a run with --log_samples --output_path"
        raise InputError([Problem(message, str(path), accepted=accepted)])
    return samples


def _about(found: dict[str, Any], task: str, counts: dict[str, int]) -> About:
    began = datetime.fromtimestamp(found["date"], UTC) if "date" in found else None
    whole, asked = counts.get("original"), counts.get("effective")
    about = About(
        tool=f"lm-eval {found.get('lm_eval_version', '')}".strip(),
        name=task,
        declared=asked,
        of=whole if whole != asked else None,
        started=began,
        ended=began,
    )
    if whole != asked:
        about.partial.append(f"only {asked} of {whole} samples: a limit was set")
    return about


def _first(arguments: Any) -> str:
    if isinstance(arguments, dict) and arguments:
        found = next(iter(arguments.values()))
        return str(found.get("arg_0", "")) if isinstance(found, dict) else str(found)
    return ""


def _answer(line: dict[str, Any]) -> str:
    found = line.get("filtered_resps")
    if isinstance(found, list) and len(found) == 1 and isinstance(found[0], str):
        return found[0]
    return ""
