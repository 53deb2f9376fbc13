"""Guardrails: what no request and no answer may hold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from gatekeeper.model.base import Frozen, Identifier, ShortText

Pattern = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


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
