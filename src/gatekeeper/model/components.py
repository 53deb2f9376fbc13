"""The eight components as they are pinned in a release.

A manifest writes the same shapes, with references to files where a pinned component holds the
content (see `gatekeeper.model.manifest`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints

from gatekeeper.model.base import (
    Frozen,
    Identifier,
    Name,
    RelativePath,
    ShortText,
    Text,
    Usd,
)

Role = Literal["generator", "embedder", "reranker", "guard", "judge", "draft"]
Positive = Annotated[int, Field(gt=0, le=10**9)]
Count = Annotated[int, Field(ge=0, le=10**9)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Fraction = Annotated[float, Field(ge=0, le=1)]
VersionRange = Annotated[str, StringConstraints(pattern=r"^[<>=!~0-9.,*a-z +-]+$", max_length=100)]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
JsonSchema = dict[str, JsonValue]
BreachAction = Literal["downgrade_model", "reduce_context", "require_human_approval"]


# -- prompt ---------------------------------------------------------------------------------------


class Example(Frozen):
    """One few-shot exchange, sent before the request."""

    user: Text
    assistant: Text


class Prompt(Frozen):
    """What the model is told.

    `system` and `template` are sandboxed Jinja2 over the variables in
    `gatekeeper.core.checks.PROMPT_VARIABLES`.
    """

    system: Text = ""
    template: Text
    few_shot: tuple[Example, ...] = ()
    output_schema: JsonSchema | None = None
    """JSON Schema of the answer when a request asks for JSON."""


# -- model ----------------------------------------------------------------------------------------


class FileDigest(Frozen):
    """One file of a model or a snapshot."""

    path: RelativePath
    size: Count
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Adapter(Frozen):
    """A LoRA adapter over a model of the same release."""

    name: Identifier
    files: tuple[FileDigest, ...]


class PinnedModel(Frozen):
    """A named model: every file by digest, or the name of a hosted one (`pinned: false`)."""

    role: Role = "generator"
    pinned: bool = True
    endpoint_model: ShortText | None = None
    """The name that a hosted endpoint knows it by; only where `pinned` is false."""
    files: tuple[FileDigest, ...] = ()
    tokenizer_files: tuple[FileDigest, ...] = ()
    """A tokenizer kept apart from the weights; empty means that it is among `files`."""
    chat_template: Text | None = None
    """Overrides the template in `tokenizer_config.json`."""
    context_length: Positive | None = None
    adapters: tuple[Adapter, ...] = ()


class Model(Frozen):
    """The models of a release by the names that the router uses."""

    models: Annotated[dict[Identifier, PinnedModel], Field(min_length=1)]


# -- serving --------------------------------------------------------------------------------------


class Sampling(Frozen):
    """Sampling parameters; temperature 0 is greedy."""

    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    top_k: Count = 0
    """0 means no limit."""
    max_tokens: Positive = 256
    stop: tuple[ShortText, ...] = ()
    seed: Count = 0


class EngineRequirement(Frozen):
    """One engine that this release may be served by, with the versions it accepts."""

    name: Literal["vllm", "openai", "embedded", "recorded"]
    version: VersionRange | None = None


class Serving(Frozen):
    """How the models are served. States what is accepted; a run records what was used."""

    engines: Annotated[tuple[EngineRequirement, ...], Field(min_length=1)]
    engine_args: dict[Identifier, JsonValue] = Field(default_factory=dict)
    sampling: Sampling = Sampling()
    cuda: VersionRange | None = None
    driver: VersionRange | None = None


# -- retrieval ------------------------------------------------------------------------------------


class Document(Frozen):
    """One file of the snapshot. A document of a tenant is seen by that tenant only."""

    path: RelativePath
    size: Count
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    tenant: Identifier | None = None


class Chunking(Frozen):
    """How documents become chunks: one a paragraph, or one a line; never above `max_tokens`."""

    by: Literal["paragraph", "line"] = "paragraph"
    max_tokens: Positive = 128


class Retrieval(Frozen):
    """The knowledge that a request can see."""

    strategy: Literal["bm25", "none"] = "bm25"
    documents: tuple[Document, ...] = ()
    chunking: Chunking = Chunking()
    top_k: Annotated[int, Field(ge=0, le=1000)] = 4
    embedding_model: ShortText | None = None
    """What queries are embedded with."""
    snapshot_embedding_model: ShortText | None = None
    """What the snapshot says its chunks were embedded with."""


# -- router ---------------------------------------------------------------------------------------


class Retry(Frozen):
    """Retries of one tier for transport errors, with exponential back-off and full jitter."""

    attempts: Annotated[int, Field(ge=1, le=10)] = 2
    """Including the first."""
    backoff_seconds: Seconds = 0.05
    max_backoff_seconds: Seconds = 2.0


class CircuitBreaker(Frozen):
    """Stops calling a tier after `failures` in a row, for `reset_seconds`."""

    failures: Positive = 5
    reset_seconds: Seconds = 30.0


class CachePolicy(Frozen):
    """Whether equal requests to equal releases may share a response."""

    enabled: bool = False
    ttl_seconds: Seconds = 300.0
    max_entries: Positive = 10_000


class Tier(Frozen):
    """One way to serve a request.

    `search` answers with the best chunk and calls no model; `model` generates.
    """

    kind: Literal["model", "search"] = "model"
    model: Identifier | None = None
    fallback: Identifier | None = None
    """The tier tried when this one fails or its circuit is open."""
    timeout_seconds: Seconds = 30.0
    retry: Retry = Retry()
    circuit_breaker: CircuitBreaker = CircuitBreaker()


class Match(Frozen):
    """Conditions of a route; every one given must hold."""

    task_class: Identifier | None = None
    tenant: Identifier | None = None


class Route(Frozen):
    """The first route whose `match` holds serves the request; an empty match always holds."""

    match: Match = Match()
    route_to: Identifier


class Router(Frozen):
    """Declared rules from task class to tier."""

    policy: Identifier | None = None
    routes: Annotated[tuple[Route, ...], Field(min_length=1)]
    tiers: Annotated[dict[Identifier, Tier], Field(min_length=1)]
    cache: CachePolicy = CachePolicy()


# -- tools ----------------------------------------------------------------------------------------


class Tool(Frozen):
    """A tool that the model may ask for; `parameters` is the JSON Schema of its arguments."""

    description: ShortText = ""
    parameters: JsonSchema
    triggers: tuple[Identifier, ...] = ()
    """What using it means, in the words of `require_approval_for`."""


class GuardrailDefaults(Frozen):
    """Limits of an agent's execution."""

    network_egress: Literal["deny", "allow"] = "deny"
    file_write_scope: Identifier = "task_workspace_only"
    max_tool_calls: Count = 8
    max_retry_depth: Count = 2
    max_reasoning_budget_tokens: Count = 12_000


class GuardrailFallback(Frozen):
    """What happens when a verifier refuses."""

    on_verifier_fail: Literal["escalate_to_human", "block"] = "escalate_to_human"


class AgentGuardrail(Frozen):
    """The agent execution guardrail."""

    policy: Identifier = "agent_execution"
    defaults: GuardrailDefaults = GuardrailDefaults()
    require_approval_for: tuple[Identifier, ...] = ()
    verifiers: tuple[Identifier, ...] = ()
    fallback: GuardrailFallback = GuardrailFallback()


class Tools(Frozen):
    """The allow-list of tools and the limits on using them."""

    allow: dict[Identifier, Tool] = Field(default_factory=dict)
    guardrail: AgentGuardrail = AgentGuardrail()


# -- policy ---------------------------------------------------------------------------------------


class PatternRule(Frozen):
    """A guardrail made of RE2 patterns: cheap and narrow, not detection of injection."""

    name: Identifier
    patterns: Annotated[tuple[Pattern, ...], Field(min_length=1)]
    action: Literal["block", "redact", "flag"] = "block"
    message: ShortText = "This request cannot be answered."
    """What the person is told when it blocks."""


class PiiRule(Frozen):
    """Personal data by kind, found by pattern, in answers."""

    kinds: tuple[Literal["email", "phone", "iban", "card"], ...] = ()
    action: Literal["block", "redact", "flag"] = "redact"


class TenantRule(Frozen):
    """Whether a request must name its tenant and what a tenant may see."""

    required: bool = True
    isolation: Literal["strict", "shared"] = "strict"
    """`strict`: a document that names a tenant is seen by that tenant only."""


class Policy(Frozen):
    """Guardrails around the model."""

    input: tuple[PatternRule, ...] = ()
    output: tuple[PatternRule, ...] = ()
    injection: tuple[PatternRule, ...] = ()
    """Patterns on the request and on every retrieved chunk; a chunk that matches is dropped."""
    pii: PiiRule = PiiRule()
    refusals: tuple[Annotated[str, StringConstraints(min_length=1, max_length=4096)], ...] = ()
    """How the model begins an answer that declines; such a request counts as refused."""
    tenants: TenantRule = TenantRule()


# -- budgets --------------------------------------------------------------------------------------


class RequestBudget(Frozen):
    """Ceilings of one request, checked before each generation."""

    input_tokens: Positive | None = None
    output_tokens: Positive | None = None
    model_calls: Positive | None = None
    retries: Count | None = None
    loop_depth: Count | None = None
    usd: Usd | None = None


class DayBudget(Frozen):
    """Ceiling of one workload for one UTC day."""

    usd: Usd | None = None


class BudgetLimits(Frozen):
    """Which ceilings this release may not leave open; a build without them is refused."""

    daily_budget_by_workload: Literal["required", "optional"] = "optional"
    per_request_token_cap: Literal["required", "optional"] = "optional"
    per_task_cost_cap: Literal["required", "optional"] = "optional"


class BudgetActions(Frozen):
    """What is tried, in order, when a ceiling would be broken; then the request is refused."""

    on_budget_breach: tuple[BreachAction, ...] = ()


class Budgets(Frozen):
    """What a request and a workload may spend."""

    limits: BudgetLimits = BudgetLimits()
    per_request: RequestBudget = RequestBudget()
    per_day: DayBudget = DayBudget()
    actions: BudgetActions = BudgetActions()


class Components(Frozen):
    """All eight, pinned."""

    prompt: Prompt
    model: Model
    serving: Serving
    retrieval: Retrieval = Retrieval(strategy="none", top_k=0)
    router: Router
    tools: Tools = Tools()
    policy: Policy = Policy()
    budgets: Budgets = Budgets()


class Governance(Frozen):
    """Constraints that are part of a release's identity."""

    data_residency: tuple[Name, ...] = ()
    """Regions in which the release may be served; empty means anywhere."""
    external_model_calls: bool = False
    """Whether a request may leave for a hosted model."""
