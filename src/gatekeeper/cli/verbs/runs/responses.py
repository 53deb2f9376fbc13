"""The answers of a run as a file that the engine `recorded` answers from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.model.record import JUDGE

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.adapters.project import Project
    from gatekeeper.core.failing import Exchange
    from gatekeeper.model.record import CallRow
    from gatekeeper.model.run import Run

_SPOKEN: Final = frozenset({"ok", "degraded", "needs_review"})
"""In any other state the person was told something else than the model said."""


def write_responses(project: Project, directory: Path, run: Run, target: Path) -> tuple[int, int]:
    """Write a line for every answer of a model; returns how many, and how many were left out.

    Left out is what cannot be answered again from the record: answers that a guardrail replaced,
    second attempts, and prompts that cannot be made again.
    """
    from gatekeeper.adapters.exporting import placed
    from gatekeeper.adapters.failures import talks
    from gatekeeper.adapters.looking import opened
    from gatekeeper.cli.verbs.runs.previews import Previews

    previews, written, left_out = Previews(project, run), 0, 0
    with (
        opened(directory, run) as connection,
        placed(target) as temporary,
        temporary.open("w", encoding="utf-8") as file,
    ):
        for talk in talks(connection, run):
            for exchange in previews.with_seen(talk).exchanges:
                line = _line(exchange)
                if line is not None:
                    file.write(json.dumps(line, ensure_ascii=False) + "\n")
                    written += 1
                elif own_calls(exchange):
                    left_out += 1
    return written, left_out


def _line(exchange: Exchange) -> dict[str, Any] | None:
    """What a model was asked and said; None where the record does not hold it."""
    request, calls = exchange.request, own_calls(exchange)
    made = [call for call in calls if call.outcome == "ok"]
    spoke = request.status in _SPOKEN or request.reason == "model_refused"
    if len(made) != 1 or not spoke or not exchange.seen.messages:
        return None
    call = made[0]
    facts = {
        "input_tokens": call.input_tokens,
        "cached_input_tokens": call.cached_input_tokens,
        "output_tokens": call.output_tokens,
        "time_to_first_token_us": call.time_to_first_token_us,
        "finish_reason": call.finish_reason,
    }
    return {
        "model": call.model,
        "messages": [{"role": role, "content": text} for role, text in exchange.seen.messages],
        "text": request.answer,
        **{name: value for name, value in facts.items() if value is not None},
    }


def own_calls(exchange: Exchange) -> list[CallRow]:
    """The calls of the release, without those of judges."""
    return [call for call in exchange.calls if call.tier != JUDGE]
