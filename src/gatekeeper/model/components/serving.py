"""Which engines may serve a release, and how they sample."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints

from gatekeeper.model.base import Frozen, Identifier, ShortText
from gatekeeper.model.components.values import Count, Positive

VersionRange = Annotated[str, StringConstraints(pattern=r"^[<>=!~0-9.,*a-z +-]+$", max_length=100)]


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
