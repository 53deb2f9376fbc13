"""Builders of conversations for the tests of scoring."""

from __future__ import annotations

from typing import Any

from gatekeeper.core.scoring import Conversation, Reply
from gatekeeper.model.envelope import Citation, CostSignals, QualitySignals, ResponseEnvelope
from gatekeeper.model.envelope import ToolCall as Call
from gatekeeper.model.evalset import Sample
from gatekeeper.model.record import RequestRow

DIGEST = "sha256:" + "0" * 64


def response(answer: str, *, cited: tuple[str, ...] = (), calls: tuple[Call, ...] = ()) -> Any:
    citations = tuple(
        Citation(index=i, source=f"d.md#{i}", text=text) for i, text in enumerate(cited, 1)
    )
    return ResponseEnvelope(
        request_id="r",
        status="ok",
        answer=answer,
        citations=citations,
        quality_signals=QualitySignals(confidence=1.0, resolved=True, follow_up_risk="low"),
        cost_signals=CostSignals(input_tokens=1, output_tokens=1, usd=0.0, nano_usd=0),
        release=DIGEST,
        serial=0,
        context_version=DIGEST,
        prompt_version=DIGEST,
        policy_version=DIGEST,
        route_version=DIGEST,
        model_version=DIGEST,
        route="standard",
        tool_calls=calls,
    )


def reply(
    answer: str, *, cited: tuple[str, ...] = (), calls: tuple[Call, ...] = (), **row: Any
) -> Reply:
    fields = {"status": "ok", "refused": False, **row}
    record = RequestRow(
        request_id="r", time=0, lane="offline", release=DIGEST, latency_us=1, **fields
    )
    return Reply(response(answer, cited=cited, calls=calls), record)


def talk(expect: dict[str, Any], *replies: Reply, **sample: Any) -> Conversation:
    content = {"id": "s", "input": "?", "expect": expect, **sample}
    made = Sample.model_validate(content, strict=False)
    return Conversation(made, replies, ("The documentation does not say",))
