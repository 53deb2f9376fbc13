"""Builders of conversations for the tests of scoring."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from gatekeeper.core.scoring import Conversation, Reply
from gatekeeper.model.envelope import Citation, CostSignals, QualitySignals, ResponseEnvelope
from gatekeeper.model.envelope import ToolCall as Call
from gatekeeper.model.evalset import Sample, ScorerSpec
from gatekeeper.model.record import RequestRow
from panels import panel

if TYPE_CHECKING:
    from gatekeeper.core.scoring import Score
    from gatekeeper.core.scoring.scorer import Scorer

DIGEST = "sha256:" + "0" * 64


def response(
    answer: str,
    *,
    cited: tuple[str, ...] = (),
    calls: tuple[Call, ...] = (),
    tokens: tuple[int, int] = (1, 1),
    nano_usd: int = 0,
) -> Any:
    citations = tuple(
        Citation(index=i, source=f"d.md#{i}", text=text) for i, text in enumerate(cited, 1)
    )
    return ResponseEnvelope(
        request_id="r",
        status="ok",
        answer=answer,
        citations=citations,
        quality_signals=QualitySignals(confidence=1.0, resolved=True, follow_up_risk="low"),
        cost_signals=CostSignals(
            input_tokens=tokens[0],
            output_tokens=tokens[1],
            usd=nano_usd / 1e9,
            nano_usd=nano_usd,
        ),
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


SENT = ("cited", "calls", "tokens", "nano_usd")


def reply(answer: str, *, chunks: tuple[str, ...] = (), **fields: Any) -> Reply:
    sent = {name: fields.pop(name) for name in SENT if name in fields}
    row = {"status": "ok", "refused": False, "latency_us": 1, **fields}
    record = RequestRow(request_id="r", time=0, lane="offline", release=DIGEST, **row)
    return Reply(response(answer, **sent), record, chunks)


def talk(expect: dict[str, Any], *replies: Reply, system: str = "", **sample: Any) -> Conversation:
    content = {"id": "s", "input": "?", "expect": expect, **sample}
    made = Sample.model_validate(content, strict=False)
    return Conversation(made, replies, ("The documentation does not say",), system)


def named(*specs: Any) -> list[tuple[str, Scorer]]:
    """Built-in scorers by the names of their scores."""
    made = panel([ScorerSpec.model_validate(spec, strict=False) for spec in specs])
    return [(one.name, one.scorer) for one in made.scorers]


def scores(conversation: Conversation, *specs: Any) -> list[Score]:
    """What built-in scorers say; a spec is written as in an eval set."""
    made = panel([ScorerSpec.model_validate(spec, strict=False) for spec in specs])
    return list(asyncio.run(made.score(conversation)))


def value(conversation: Conversation, spec: Any) -> float | None:
    """The value that one scorer gives; raises where it gave an error."""
    found = scores(conversation, spec)
    if not found:
        return None
    assert found[0].error is None, found[0].error
    return found[0].value
