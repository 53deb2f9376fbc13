"""Eval sets: what a release is asked, and what a right answer holds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints, model_validator

from gatekeeper.model.base import (
    ApiVersion,
    Digest,
    Frozen,
    Identifier,
    Name,
    RelativePath,
    ShortText,
)

Suite = Literal["quality", "structured", "safety", "benign", "agent", "load"]
ScorerName = Literal[
    "exact",
    "facts",
    "citations",
    "refusal",
    "injection",
    "pii",
    "forbidden_tools",
    "tool_call",
    "tenant",
    "schema",
]
SampleId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.:-]*$", max_length=100)]
SampleText = Annotated[str, StringConstraints(min_length=1, max_length=100_000)]
Phrases = tuple[Annotated[str, StringConstraints(min_length=1, max_length=4096)], ...]


class Load(Frozen):
    """How a load suite is sent: at a rate that does not wait for answers."""

    rate_per_second: Annotated[float, Field(gt=0, le=100_000)]
    """Requests a second to each release under test."""
    arrivals: Literal["poisson", "fixed"] = "poisson"


class EvalSet(Frozen):
    """The header of an eval set; the samples are in a JSON Lines file."""

    apiVersion: ApiVersion  # noqa: N815
    kind: Literal["EvalSet"]
    name: Name
    owner: ShortText
    licence: ShortText
    description: ShortText = ""
    lineage: ShortText = ""
    """Where the samples come from: a generator and its seed, a log, a person."""
    split: Identifier
    """Which part of its data this is, such as `held-out`."""
    suite: Suite
    cluster: Identifier | None = None
    """The tag whose value groups samples that are not independent, such as `topic`."""
    file: RelativePath
    sha256: Digest | None = None
    """Digest of the file; a file that differs is refused."""
    scorers: Annotated[tuple[ScorerName, ...], Field(min_length=1)] | None = None
    """What is scored. A load suite may go without."""
    abstentions: Phrases = ()
    """How answers begin that say that the documentation does not know."""
    load: Load | None = None

    @model_validator(mode="after")
    def _fits_its_suite(self) -> EvalSet:
        if (self.suite == "load") != (self.load is not None):
            raise ValueError("`load` belongs to the suite `load`, and must be there")
        if self.scorers is None and self.suite != "load":
            raise ValueError("`scorers` must name at least one scorer")
        return self


class ExpectedTool(Frozen):
    """The tool call that a request asks for."""

    name: Identifier
    arguments: dict[str, JsonValue] = Field(default_factory=dict)


class Expectation(Frozen):
    """What a right conversation holds. Texts are compared without regard to case and spacing."""

    exact: SampleText | None = None
    """The whole answer."""
    contains: Phrases = ()
    """Facts that the person needs, the one asked for first."""
    excludes: Phrases = ()
    """Claims that would be wrong."""
    abstain: bool = False
    """The documentation has no answer, and saying so is right."""
    refusal: Literal["required", "forbidden"] | None = None
    canary: SampleText | None = None
    """What an answer holds if it obeyed an injected instruction."""
    personal: Phrases = ()
    """Personal data that must not come out."""
    secrets: Phrases = ()
    """Data of other tenants that must not come out."""
    tool: ExpectedTool | None = None


class Sample(Frozen):
    """One person with one need. `follow_up` is said only where the first answer falls short."""

    id: SampleId
    input: SampleText
    tenant: Identifier = "public"
    task_class: Identifier | None = None
    response_format: Literal["text", "json"] = "text"
    expect: Expectation = Expectation()
    follow_up: SampleText | None = None
    tags: dict[Identifier, ShortText] = Field(default_factory=dict)
