"""What the model may call, when, and what an agent may do."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gatekeeper.model.base import Frozen, Identifier, ShortText
from gatekeeper.model.components.values import Count, JsonSchema


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
