"""Inspect: `.eval` archives and `.json` logs.

A letter is worth what Inspect makes of it: C 1, P 0.5, I and N 0. Epochs are replicates. A sample
whose solver or scorer crashed is an error, and each scorer that had to judge it says so too.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.importers.archive import Archive
from gatekeeper.adapters.importers.files import document, field, head, unexpected
from gatekeeper.adapters.importers.items import (
    About,
    Item,
    Judgement,
    Usage,
    first_line,
    judged,
    micro,
    resolved,
    tags_of,
)
from gatekeeper.core.wording import counted
from gatekeeper.model.base import nano_usd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LETTERS: Final = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
_WORDS: Final = {**LETTERS, "yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}


class InspectLog:
    """One log.

    Args:
        path: The log.
        cluster: Key of the sample's metadata that groups samples which are not independent.
        resolved_by: Scores that must all be 1 where a need was met; the first scorer by default.
    """

    def __init__(
        self, path: Path, *, cluster: str | None = None, resolved_by: tuple[str, ...] = ()
    ) -> None:
        self._path = path
        self._cluster = cluster
        self._archive = Archive(path) if head(path).startswith(b"PK") else None
        self._log = self._header()
        evaluation = field(self._log, "eval", dict, path)
        scorers = (one.get("name", "") for one in evaluation.get("scorers") or ())
        self._scorers = tuple(scorer for scorer in scorers if scorer)
        self._resolved_by = resolved_by
        self._model = str(evaluation.get("model", "unknown"))
        self.about = _about(self._log, evaluation)

    def files(self) -> tuple[Path, ...]:
        """The log."""
        return (self._path,)

    def items(self) -> Iterator[Item]:
        """Every sample of every epoch."""
        errors = limits = 0
        for sample in self._samples():
            item = self._item(sample)
            errors += item.status == "error"
            limits += sample.get("limit") is not None
            yield item
        if errors:
            self.about.partial.append(f"{counted(errors, 'sample')} ended in an error")
        if limits:
            self.about.partial.append(f"{counted(limits, 'sample')} cut off at a limit")

    def _header(self) -> dict[str, Any]:
        if self._archive is None:
            found = document(self._path)
        elif "header.json" in self._archive.names:
            found = self._archive.document("header.json")
        else:
            found = self._archive.document("_journal/start.json") | {"status": "started"}
        if not isinstance(found, dict):
            unexpected(self._path, "the log", "an object")
        return found

    def _samples(self) -> Iterator[dict[str, Any]]:
        if self._archive is None:
            yield from self._log.get("samples") or ()
            return
        for name in self._archive.names:
            if name.startswith("samples/"):
                yield self._archive.document(name)

    def _item(self, sample: dict[str, Any]) -> Item:
        error = sample.get("error")
        scores = tuple(self._scores(sample))
        wanted = self._resolved_by or tuple(one.scorer for one in scores[:1])
        output = sample.get("output") or {}
        metadata = sample.get("metadata") or {}
        cluster = metadata.get(self._cluster) if self._cluster else None
        return Item(
            sample=str(field(sample, "id", (str, int), self._path)),
            replicate=field(sample, "epoch", int, self._path) - 1,
            status="error" if error else "ok",
            cluster=None if cluster is None else str(cluster),
            tags=tags_of(metadata),
            time_us=_moment_us(sample.get("started_at")),
            latency_us=micro(sample.get("working_time")),
            reason=first_line(error.get("message", "error")) if error else None,
            resolved=None if error else resolved(scores, wanted),
            input=_text(sample.get("input")),
            answer=str(output.get("completion", "")),
            usage=self._usage(sample),
            scores=scores,
        )

    def _usage(self, sample: dict[str, Any]) -> Usage:
        used = list((sample.get("model_usage") or {}).values())
        if not used:
            return Usage(model=self._model)
        cached = sum(one.get("input_tokens_cache_read") or 0 for one in used)
        costs = [one.get("total_cost") for one in used]
        return Usage(
            model=self._model,
            input_tokens=sum(one.get("input_tokens") or 0 for one in used),
            cached_input_tokens=cached,
            output_tokens=sum(one.get("output_tokens") or 0 for one in used),
            nano_usd=None if None in costs else nano_usd(sum(costs)),
        )

    def _scores(self, sample: dict[str, Any]) -> Iterator[Judgement]:
        found = sample.get("scores") or {}
        for scorer, score in found.items():
            value, detail = score.get("value"), str(score.get("explanation") or "")
            if isinstance(value, dict):
                for part, inner in value.items():
                    yield judged(f"{scorer}.{part}", inner, _WORDS, detail)
            else:
                yield judged(scorer, value, _WORDS, detail)
        error = sample.get("error") or {}
        why = first_line(error.get("message", "the sample has no score"))
        for scorer in self._scorers:
            if scorer not in found:
                yield Judgement(scorer, None, why)


def _about(log: dict[str, Any], evaluation: dict[str, Any]) -> About:
    dataset, config = evaluation.get("dataset") or {}, evaluation.get("config") or {}
    stats = log.get("stats") or {}
    whole, asked = dataset.get("samples"), dataset.get("sample_ids")
    declared = len(asked) if asked else whole
    about = About(
        tool=f"inspect {(evaluation.get('packages') or {}).get('inspect_ai', '')}".strip(),
        name=str(evaluation.get("task", "")),
        declared=declared,
        of=whole if declared != whole else None,
        replicates=config.get("epochs") or 1,
        started=_moment(stats.get("started_at")),
        ended=_moment(stats.get("completed_at")),
    )
    if (status := log.get("status")) != "success":
        error = first_line((log.get("error") or {}).get("message", ""))
        about.partial.append(f"the log's status is {status}{f': {error}' if error else ''}")
    if (limit := config.get("limit")) is not None:
        about.partial.append(f"only {declared} of {whole} samples: the limit was {limit}")
    return about


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _moment_us(text: str | None) -> int | None:
    moment = _moment(text)
    return None if moment is None else round(moment.timestamp() * 1e6)


def _text(value: Any) -> str:
    """The input: a text, or the last message of a conversation."""
    if isinstance(value, list) and value:
        content = value[-1].get("content", "")
        return content if isinstance(content, str) else str(content)
    return str(value or "")
