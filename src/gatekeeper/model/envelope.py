"""Request and response on the wire: camelCase, versioned, only ever added to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AliasGenerator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from gatekeeper.model.base import Frozen

Id = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[\w.:@/+-]+$")]
Status = Literal["ok", "degraded", "needs_review", "blocked"]
FollowUpRisk = Literal["low", "medium", "high"]


class Wire(Frozen):
    """A frozen type whose JSON keys are camelCase."""

    model_config = ConfigDict(
        alias_generator=AliasGenerator(alias=to_camel), serialize_by_alias=True
    )


class Turn(Wire):
    """One earlier message of the conversation."""

    role: Literal["user", "assistant"]
    content: Annotated[str, StringConstraints(max_length=100_000)]


class ToolTurn(Wire):
    """A tool call of the model in its own words, or what the tool answered."""

    role: Literal["assistant", "tool"]
    content: Annotated[str, StringConstraints(max_length=100_000)]


class RequestEnvelope(Wire):
    """One request. Versions that are given must be the active ones, or the request is refused."""

    request_id: Id
    tenant_id: Id
    user_id: Id
    input: Annotated[str, StringConstraints(min_length=1, max_length=100_000)]
    context_version: str | None = None
    prompt_version: str | None = None
    policy_version: str | None = None
    route_version: str | None = None
    deadline_ms: Annotated[int, Field(gt=0, le=3_600_000)] = 30_000
    task_class: str | None = None
    response_format: Literal["text", "json"] = "text"
    history: tuple[Turn, ...] = ()
    exchange: tuple[ToolTurn, ...] = ()
    """What the model has asked of tools in answer to `input`, and what they said: with it, the
    same request goes on from there."""
    conversation_id: Id | None = None
    trace_id: Id | None = None
    product: str | None = None
    feature: str | None = None
    journey: str | None = None


class Citation(Wire):
    """A retrieved chunk that the answer names. `index` is the number in the answer."""

    index: int
    source: str
    """`path#n`: document of the snapshot and chunk number in it."""
    text: str


class ToolCall(Wire):
    """A tool that the model asks for; `approved` is false while a person has to agree."""

    name: str
    arguments: dict[str, object]
    approved: bool


class QualitySignals(Wire):
    """What the service can say of its own answer.

    `confidence` is the mean token probability of the answer; see the model card for how well it
    is calibrated. `resolved` says that the answer cites a source or completes a tool call.
    """

    confidence: float
    resolved: bool
    follow_up_risk: FollowUpRisk


class CostSignals(Wire):
    """What the request consumed. `usd` is for people; `nano_usd` is exact."""

    input_tokens: int
    output_tokens: int
    usd: float
    nano_usd: int


class ResponseEnvelope(Wire):
    """One response, with the versions of everything that made it."""

    request_id: str
    status: Status
    answer: str
    citations: tuple[Citation, ...] = ()
    quality_signals: QualitySignals
    cost_signals: CostSignals
    release: str
    """Digest of the one release that served it, start to end."""
    serial: int
    """Ledger entry that made that release active; 0 outside an environment."""
    context_version: str
    prompt_version: str
    policy_version: str
    route_version: str
    model_version: str
    route: str
    """The tier that answered."""
    reason: str | None = None
    """Why it is not `ok`: a stable code such as `budget_breach`."""
    tool_calls: tuple[ToolCall, ...] = ()
    trace_id: str | None = None
    latency_us: int = 0
