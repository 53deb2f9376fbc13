"""What a visit leaves behind: the response on the wire and the rows of the record."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from gatekeeper.model.base import NANO
from gatekeeper.model.envelope import CostSignals, QualitySignals, ResponseEnvelope
from gatekeeper.model.record import RequestRow
from gatekeeper.pipeline.budgets import spent
from gatekeeper.pipeline.validation import follow_up_risk
from gatekeeper.pipeline.visit import Context, Served

if TYPE_CHECKING:
    from gatekeeper.model.base import ComponentName
    from gatekeeper.model.envelope import RequestEnvelope
    from gatekeeper.model.release import Release
    from gatekeeper.pipeline.visit import Answer, Visit

_CONTEXT = tuple(one.name for one in fields(Context))
VERSIONS: dict[str, ComponentName] = {
    "context_version": "retrieval",
    "prompt_version": "prompt",
    "policy_version": "policy",
    "route_version": "router",
    "model_version": "model",
}
"""Which component's digest each version field of the envelopes carries."""


def mismatched(release: Release, request: RequestEnvelope) -> list[str]:
    """The version fields of a request that name another version than the active one."""
    pinned = {field: getattr(request, field, None) for field in VERSIONS}
    return [
        field
        for field, version in pinned.items()
        if version is not None and version != release.component_digests[VERSIONS[field]]
    ]


def served(release: Release, visit: Visit, answer: Answer, latency_us: int) -> Served:
    """The response and the record of one request."""
    return Served(
        _response(release, visit, answer, latency_us),
        _row(release, visit, answer, latency_us),
        tuple(visit.calls),
        visit.chunks,
    )


def _response(release: Release, visit: Visit, answer: Answer, latency_us: int) -> ResponseEnvelope:
    versions = {field: release.component_digests[name] for field, name in VERSIONS.items()}
    return ResponseEnvelope(
        request_id=visit.request.request_id,
        status="blocked" if answer.status == "error" else answer.status,
        answer=answer.text,
        citations=answer.citations,
        quality_signals=QualitySignals(
            confidence=answer.confidence,
            resolved=answer.resolved,
            follow_up_risk=follow_up_risk(answer),
        ),
        cost_signals=_cost(visit),
        release=release.digest,
        serial=visit.context.serial,
        **versions,
        route=visit.tier,
        reason=answer.reason,
        tool_calls=answer.tool_calls,
        trace_id=visit.request.trace_id,
        latency_us=latency_us,
    )


def _cost(visit: Visit) -> CostSignals:
    calls, nano = visit.calls, spent(visit)
    return CostSignals(
        input_tokens=sum(
            (call.input_tokens or 0) + (call.cached_input_tokens or 0) for call in calls
        ),
        output_tokens=sum(call.output_tokens or 0 for call in calls),
        usd=nano / NANO,
        nano_usd=nano,
    )


def _row(release: Release, visit: Visit, answer: Answer, latency_us: int) -> RequestRow:
    request = visit.request
    return RequestRow(
        **{name: getattr(visit.context, name) for name in _CONTEXT},
        request_id=request.request_id,
        time=visit.time,
        release=release.digest,
        trace_id=request.trace_id,
        conversation=request.conversation_id,
        tenant=request.tenant_id,
        product=request.product,
        feature=request.feature,
        journey=request.journey,
        task_class=request.task_class,
        route=visit.tier or None,
        status=answer.status,
        reason=answer.reason,
        refused=answer.refused,
        policy_violation=answer.policy_violation,
        schema_valid=_conforms(visit, answer),
        sources=tuple(chunk.source for chunk in visit.chunks),
        breach_actions=tuple(visit.breach_actions),
        forbidden_tool_calls=visit.forbidden_tool_calls,
        latency_us=latency_us,
        fell_back=visit.fell_back,
        limited=visit.limited,
        continues=bool(request.exchange),
        input=visit.text,
        answer=answer.raw or answer.text,
    )


def _conforms(visit: Visit, answer: Answer) -> bool | None:
    """Whoever asked for JSON and got something else did not get what the schema says."""
    asked = visit.request.response_format == "json" and answer.status != "error"
    return False if asked and answer.schema_valid is None else answer.schema_valid
