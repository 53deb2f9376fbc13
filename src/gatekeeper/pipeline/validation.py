"""What the model's words amount to: an answer, a tool call, a refusal, or a fault."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatekeeper.model.envelope import Citation
from gatekeeper.pipeline import tools
from gatekeeper.pipeline.generation import confidence
from gatekeeper.pipeline.schemas import problem, validator
from gatekeeper.pipeline.visit import Answer, HaltError

if TYPE_CHECKING:
    from gatekeeper.model.components import Components
    from gatekeeper.model.envelope import FollowUpRisk
    from gatekeeper.model.record import Status
    from gatekeeper.pipeline.visit import Visit
    from gatekeeper.ports import Chunk, Generation

CITATION = re.compile(r"\[([0-9]{1,3})\]")
REVIEW = "A person has to allow this."
REFUSED = "This request cannot be answered."


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that one more attempt might mend.

    Attributes:
        problem: What the model is told.
        final: How the request ends when there is no further attempt.
    """

    problem: str
    final: Answer


class Validator:
    """Judges what a model said, by the rules of one release."""

    def __init__(self, components: Components) -> None:
        self._refusals = components.policy.refusals
        self._toolbox = tools.Toolbox(components.tools)
        schema = components.prompt.output_schema
        self._schema = None if schema is None else validator(schema)

    def judge(self, visit: Visit, generation: Generation) -> Answer | Fault:
        """An answer, or what is wrong with it.

        Raises:
            HaltError: A tool was asked for that is not on the allow-list.
        """
        text, sure = generation.text.strip(), confidence(generation)
        if generation.finish_reason == "length":
            visit.fall_short("truncated")
        if tools.OPEN in text:
            return self._tool_calls(visit, text, sure)
        if text.startswith(self._refusals):
            return Answer(text, text, "blocked", "model_refused", confidence=sure, refused=True)
        if visit.request.response_format == "json":
            return self._json(visit, text, sure)
        return _answer(text, cited_in_text(text, visit.chunks), sure)

    def quoted(self, visit: Visit) -> Answer:
        """The answer of a tier without a model: the best chunk, as it stands."""
        if not visit.chunks:
            return Answer("Nothing was found.", status="degraded", reason="no_result")
        text = visit.chunks[0].text
        return Answer(text, text, citations=_citations({1}, visit.chunks), resolved=True)

    def _tool_calls(self, visit: Visit, text: str, sure: float) -> Answer | Fault:
        said = (turn.content for turn in visit.request.exchange if turn.role == "assistant")
        before = sum(len(tools.parse(words)) for words in said)
        checked = self._toolbox.check(tools.parse(text), before)
        if isinstance(checked, tools.ToolFault):
            return self._tool_fault(visit, text, sure, checked)
        waiting = not all(call.approved for call in checked)
        return Answer(
            REVIEW if waiting else tools.without(text),
            text,
            "needs_review" if waiting else "ok",
            "approval_required" if waiting else None,
            tool_calls=checked,
            confidence=sure,
            resolved=not waiting,
        )

    def _tool_fault(self, visit: Visit, text: str, sure: float, fault: tools.ToolFault) -> Fault:
        visit.forbidden_tool_calls += fault.count
        if fault.reason != "tool_arguments":
            raise HaltError("blocked", fault.reason, REFUSED)
        status: Status = "needs_review" if self._toolbox.escalates else "blocked"
        final = Answer(
            REVIEW if status == "needs_review" else REFUSED,
            text,
            status,
            fault.reason,
            confidence=sure,
        )
        return Fault(fault.detail, final)

    def _json(self, visit: Visit, text: str, sure: float) -> Answer | Fault:
        value, found = self._parsed(text)
        if found:
            final = Answer(
                text, text, "degraded", "schema_invalid", confidence=sure, schema_valid=False
            )
            return Fault(found, final)
        return _answer(text, cited_in_json(value, visit.chunks), sure, schema_valid=True)

    def _parsed(self, text: str) -> tuple[Any, str]:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return None, "not JSON"
        return value, "" if self._schema is None else problem(self._schema, value)


def cited_in_text(text: str, chunks: tuple[Chunk, ...]) -> tuple[Citation, ...]:
    """The chunks that `[k]` in an answer names; a number without a chunk names nothing."""
    return _citations({int(number) for number in CITATION.findall(text)}, chunks)


def cited_in_json(value: Any, chunks: tuple[Chunk, ...]) -> tuple[Citation, ...]:
    """The chunk that the `source` of a JSON answer names: a number, or several."""
    source = value.get("source") if isinstance(value, dict) else None
    numbers = source if isinstance(source, list) else [source]
    return _citations({number for number in numbers if type(number) is int}, chunks)


def follow_up_risk(answer: Answer) -> FollowUpRisk:
    """How likely it is that the person has to ask again, from what is known at once."""
    if not answer.resolved:
        return "high"
    return "low" if answer.confidence >= LOW_RISK else "medium"


LOW_RISK = 0.9
"""Mean token probability from which a resolved answer seldom needs a second question."""


def _answer(
    text: str, citations: tuple[Citation, ...], sure: float, *, schema_valid: bool | None = None
) -> Answer:
    return Answer(
        text,
        text,
        citations=citations,
        confidence=sure,
        resolved=bool(citations),
        schema_valid=schema_valid,
    )


def _citations(numbers: set[int], chunks: tuple[Chunk, ...]) -> tuple[Citation, ...]:
    return tuple(
        Citation(index=number, source=chunks[number - 1].source, text=chunks[number - 1].text)
        for number in sorted(numbers)
        if 1 <= number <= len(chunks)
    )
