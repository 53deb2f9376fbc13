"""The eight components as they are pinned in a release, one module each.

A manifest writes the same shapes, with references to files where a pinned component holds the
content (see `gatekeeper.model.manifest`).
"""

from __future__ import annotations

from gatekeeper.model.base import Frozen, Name
from gatekeeper.model.components.budgets import (
    BreachAction,
    BudgetActions,
    BudgetLimits,
    Budgets,
    DayBudget,
    RequestBudget,
)
from gatekeeper.model.components.model import Adapter, FileDigest, Model, PinnedModel, Role
from gatekeeper.model.components.policy import Pattern, PatternRule, PiiRule, Policy, TenantRule
from gatekeeper.model.components.prompt import Example, Prompt
from gatekeeper.model.components.retrieval import Chunking, Document, Retrieval
from gatekeeper.model.components.router import (
    CachePolicy,
    CircuitBreaker,
    Match,
    Retry,
    Route,
    Router,
    Tier,
)
from gatekeeper.model.components.serving import EngineRequirement, Sampling, Serving, VersionRange
from gatekeeper.model.components.tools import (
    AgentGuardrail,
    GuardrailDefaults,
    GuardrailFallback,
    Tool,
    Tools,
)
from gatekeeper.model.components.values import Count, JsonSchema, Positive, Seconds

__all__ = [
    "Adapter",
    "AgentGuardrail",
    "BreachAction",
    "BudgetActions",
    "BudgetLimits",
    "Budgets",
    "CachePolicy",
    "Chunking",
    "CircuitBreaker",
    "Components",
    "Count",
    "DayBudget",
    "Document",
    "EngineRequirement",
    "Example",
    "FileDigest",
    "Governance",
    "GuardrailDefaults",
    "GuardrailFallback",
    "JsonSchema",
    "Match",
    "Model",
    "Pattern",
    "PatternRule",
    "PiiRule",
    "PinnedModel",
    "Policy",
    "Positive",
    "Prompt",
    "RequestBudget",
    "Retrieval",
    "Retry",
    "Role",
    "Route",
    "Router",
    "Sampling",
    "Seconds",
    "Serving",
    "TenantRule",
    "Tier",
    "Tool",
    "Tools",
    "VersionRange",
]


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
