"""promptfoo: what `promptfoo eval -o results.json` or `-o results.jsonl` writes.

A test that promptfoo repeats is one sample with replicates. A crashed assertion is an error of its
score, although promptfoo counts some of them as failures; a provider that failed is an error of
the request.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.importers.files import document, field, first_object, objects, unexpected
from gatekeeper.adapters.importers.items import (
    About,
    Item,
    Judgement,
    Usage,
    first_line,
    judged,
    resolved,
    tags_of,
)
from gatekeeper.core.wording import counted
from gatekeeper.errors import InputError, Problem
from gatekeeper.model.base import nano_usd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ERROR: Final = 2
"""`failureReason` of a result that is neither pass nor fail."""
_CRASHES: Final = (
    "Custom function threw error:",
    "Python code execution failed:",
    "Ruby code execution failed:",
    "Invalid regex pattern:",
    "Moderation API error:",
    "Search rubric evaluation failed:",
    "Webhook error:",
)
"""How promptfoo begins the reason of an assertion that crashed and that it calls failed."""


class PromptfooResults:
    """One output file, of one prompt and one provider."""

    def __init__(self, path: Path, *, resolved_by: tuple[str, ...] = ()) -> None:
        self._path = path
        self._resolved_by = resolved_by
        self._whole = None if _is_lines(path) else _document(path)
        self._samples: dict[str, tuple[str, int]] = {}
        self.about = _about(self._whole or {})

    def files(self) -> tuple[Path, ...]:
        """The output."""
        return (self._path,)

    def items(self) -> Iterator[Item]:
        """Every result."""
        combinations: dict[tuple[str, Any], int] = {}
        errors = crashed = count = 0
        for line, result in self._results():
            combination = (_provider(result), result.get("promptIdx"))
            combinations.setdefault(combination, line)
            if len(combinations) > 1:
                self._refuse(combinations)
            item = self._item(result, line)
            count += 1
            errors += item.status == "error"
            crashed += any(one.error for one in item.scores) and item.status != "error"
            yield item
        self._finish(count, errors, crashed)

    def _finish(self, count: int, errors: int, crashed: int) -> None:
        about = self.about
        if errors:
            about.partial.append(f"{counted(errors, 'result')} in error")
        if crashed:
            about.partial.append(f"assertions crashed on {counted(crashed, 'result')}")
        stats = ((self._whole or {}).get("results") or {}).get("stats") or {}
        total = sum(stats.get(key) or 0 for key in ("successes", "failures", "errors"))
        if stats and total != count:
            about.partial.append(f"{count:,} results, and its statistics count {total:,}")
        replicates = {times for _, times in self._samples.values()}
        about.replicates = max(replicates, default=1)

    def _refuse(self, combinations: dict[tuple[str, Any], int]) -> None:
        names = ", ".join(f"{provider} with prompt {prompt}" for provider, prompt in combinations)
        accepted = "one provider and one prompt: --filter-providers, --filter-prompts"
        message = f"holds results of several releases: {names}"
        raise InputError([Problem(message, str(self._path), accepted=accepted)])

    def _results(self) -> Iterator[tuple[int, dict[str, Any]]]:
        if self._whole is None:
            yield from objects(self._path)
            return
        results = field(self._whole, "results", dict, self._path)
        for number, result in enumerate(field(results, "results", list, self._path)):
            if not isinstance(result, dict):
                unexpected(self._path, f"results.results[{number}]", "an object")
            yield 0, result

    def _item(self, result: dict[str, Any], line: int) -> Item:
        sample, replicate = self._place(result, line)
        response = result.get("response") or {}
        failed = result.get("failureReason") == _ERROR
        unanswered = failed and response.get("output") is None
        scores = tuple(_scores(result))
        if failed and not unanswered:
            scores = _crashed(result)
        return Item(
            sample=sample,
            replicate=replicate,
            tags=tags_of((result.get("testCase") or {}).get("metadata") or {}),
            status="error" if unanswered else "ok",
            latency_us=_micro(result.get("latencyMs")),
            reason=first_line(result.get("error")) if unanswered else None,
            resolved=None if failed else self._resolved(result, scores),
            input=str((result.get("prompt") or {}).get("raw", "")),
            answer=_text(response.get("output")),
            usage=_usage(result),
            scores=scores,
        )

    def _resolved(self, result: dict[str, Any], scores: tuple[Judgement, ...]) -> bool | None:
        if any(one.error for one in scores):
            return None
        if not self._resolved_by:
            return bool(result.get("success"))
        return resolved(scores, self._resolved_by)

    def _place(self, result: dict[str, Any], line: int) -> tuple[str, int]:
        """The sample of a result and which asking it was: repeated tests are the same test."""
        index = field(result, "testIdx", int, self._path, line)
        test = result.get("testCase") or {}
        key = json.dumps([result.get("vars"), test.get("description")], sort_keys=True)
        first, times = self._samples.get(key, (f"test-{index}", 0))
        self._samples[key] = (first, times + 1)
        return first, times


def _is_lines(path: Path) -> bool:
    """Whether the first line is a result of its own."""
    first = first_object(path)
    return first is not None and "testIdx" in first


def _document(path: Path) -> dict[str, Any]:
    found = document(path)
    if not isinstance(found, dict):
        unexpected(path, "the document", "an object")
    return found


def _about(whole: dict[str, Any]) -> About:
    metadata = whole.get("metadata") or {}
    config = whole.get("config") or {}
    results = whole.get("results")
    stamp = results.get("timestamp") if isinstance(results, dict) else None
    ended = datetime.fromisoformat(stamp).astimezone(UTC) if stamp else None
    tool = f"promptfoo {metadata.get('promptfooVersion', '')}".strip()
    return About(tool=tool, name=str(config.get("description") or ""), started=ended, ended=ended)


def _provider(result: dict[str, Any]) -> str:
    provider = result.get("provider") or {}
    return str(provider.get("id", "")) if isinstance(provider, dict) else str(provider)


def _scores(result: dict[str, Any]) -> Iterator[Judgement]:
    """The assertions and the named scores; names that occur twice count on."""
    grading = result.get("gradingResult") or {}
    seen: dict[str, int] = {}
    named: set[str] = set()
    for component in grading.get("componentResults") or ():
        assertion = component.get("assertion") or {}
        name = str(assertion.get("metric") or assertion.get("type") or "assertion")
        named.add(name)
        seen[name] = seen.get(name, 0) + 1
        unique = name if seen[name] == 1 else f"{name}-{seen[name]}"
        reason = first_line(component.get("reason"))
        if _has_crashed(component, reason):
            yield Judgement(unique, None, reason)
        else:
            yield judged(unique, component.get("score"), {}, reason)
    for name, value in (result.get("namedScores") or {}).items():
        if name not in named:
            yield judged(name, value, {})


def _has_crashed(component: dict[str, Any], reason: str) -> bool:
    """Whether what promptfoo calls a failed assertion is one that could not judge."""
    grader = (component.get("metadata") or {}).get("graderError") is True
    return grader or (not component.get("pass") and reason.startswith(_CRASHES))


def _crashed(result: dict[str, Any]) -> tuple[Judgement, ...]:
    """Every assertion of a result that ended in a crash: none of them says anything."""
    why = first_line(result.get("error")) or "an assertion crashed"
    asserted = (result.get("testCase") or {}).get("assert") or ()
    names = dict.fromkeys(str(one.get("metric") or one.get("type")) for one in asserted)
    return tuple(Judgement(name, None, why) for name in names or ("assertion",))


def _usage(result: dict[str, Any]) -> Usage:
    response = result.get("response") or {}
    tokens = response.get("tokenUsage") or {}
    cost = response.get("cost")
    prompt, completion = tokens.get("prompt"), tokens.get("completion")
    known = prompt is not None and completion is not None
    return Usage(
        model=_provider(result) or "unknown",
        input_tokens=prompt,
        cached_input_tokens=0 if known else None,
        output_tokens=completion,
        nano_usd=nano_usd(cost) if isinstance(cost, int | float) else None,
    )


def _micro(milliseconds: float | None) -> int | None:
    return None if milliseconds is None else round(milliseconds * 1000)


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)
