"""Tiers of models, which request goes to which, and what happens when one fails."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatekeeper.model.base import Frozen, Identifier
from gatekeeper.model.components.values import Positive, Seconds


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
