"""Eval sets: what a release is asked, and what a right answer holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import ConfigDict, Field, JsonValue, StringConstraints, model_validator

from gatekeeper.model.base import (
    ApiVersion,
    Digest,
    Frozen,
    Identifier,
    Name,
    RelativePath,
    ShortText,
)

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

Suite = Literal["quality", "structured", "safety", "benign", "agent", "load"]
Format = Literal["jsonl", "json", "csv", "parquet", "text", "huggingface"]
SampleId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.:-]*$", max_length=100)]
SampleText = Annotated[str, StringConstraints(min_length=1, max_length=100_000)]
Phrases = tuple[Annotated[str, StringConstraints(min_length=1, max_length=4096)], ...]
FieldPath = Annotated[str, StringConstraints(pattern=r"^[a-z_]+(\.[A-Za-z_][\w-]*)*$")]
"""A place in a sample: ``input``, ``expect.exact``, ``tags.topic``."""
Choices = Annotated[tuple[ShortText, ...], Field(min_length=1)]


class Load(Frozen):
    """How a load suite is sent: at a rate that does not wait for answers."""

    rate_per_second: Annotated[float, Field(gt=0, le=100_000)]
    """Requests a second to each release under test."""
    arrivals: Literal["poisson", "fixed"] = "poisson"


class ScorerSpec(Frozen):
    """A scorer and its settings: ``facts``, or ``{scorer: regex, pattern: '…'}``.

    Beside these keys it takes the settings of its scorer, which the scorer checks.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue] = Field(init=False)

    scorer: Identifier
    """A built-in scorer, or an entry point of `gatekeeper.scorers`."""
    name: Identifier | None = None
    """What its scores are called; the scorer's own name where it is not given."""

    @property
    def called(self) -> str:
        """What its scores are called."""
        return self.name or self.scorer

    @property
    def settings(self) -> dict[str, JsonValue]:
        """What is given beside the scorer and the name."""
        return dict(self.model_extra or {})

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, value: Any) -> Any:
        return {"scorer": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """A mapping, or the scorer's name alone."""
        mapping = handler.resolve_ref_schema(super().__get_pydantic_json_schema__(schema, handler))
        return {"anyOf": [{"type": "string", "format": "scorer"}, mapping]}


class EvalSet(Frozen):
    """The header of an eval set; the samples are in a file or a directory beside it."""

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
    """The tag whose value groups samples that are not independent, such as `template`.

    Its values are taken for some of many that there could have been: intervals allow for that.
    """
    strata: Identifier | None = None
    """The tag whose values are fixed categories that the set balances, such as `topic`.

    `--limit` keeps their shares; intervals do not depend on them.
    """
    file: RelativePath
    """The samples: JSON Lines, JSON, CSV, Parquet or plain lines, or a Hugging Face directory."""
    format: Format | None = None
    """What `file` is; by default what its name ends with, and a directory is `huggingface`."""
    fields: dict[FieldPath, ShortText] = Field(default_factory=dict)
    """Where the parts of a sample are: ``{input: question, expect.exact: answer}``.

    The first names a place in a sample, the second a column. What is not named here is looked for
    in a column of the sample's own name.
    """
    defaults: dict[FieldPath, JsonValue] = Field(default_factory=dict)
    """What a sample takes where the file says nothing: ``{tenant: public}``."""
    values: dict[FieldPath, dict[ShortText, JsonValue]] = Field(default_factory=dict)
    """What the values of a column stand for: ``{expect.refusal: {"1": required, "0": null}}``.

    A value that is not listed is an error; null leaves the place empty.
    """
    where: dict[ShortText, Choices] = Field(default_factory=dict)
    """Which rows belong to the set: those that have one of these values in each of these columns.

    Values are written as text: ``{label: ["1"]}``.
    """
    records: ShortText | None = None
    """Where the rows are in a JSON document: ``payloads``, or with dots ``data.rows``."""
    sha256: Digest | None = None
    """Digest of the file; a file that differs is refused."""
    scorers: Annotated[tuple[ScorerSpec, ...], Field(min_length=1)] | None = None
    """What is scored. A load suite may go without."""
    resolved_by: tuple[Identifier, ...] | None = None
    """The scores that must all be 1 where a need was met; by default those that judge a task."""
    abstentions: Phrases = ()
    """How answers begin that say that the documentation does not know."""
    replicates: Annotated[int, Field(ge=1, le=1000)] = 1
    """How often each sample is asked, each time with a seed of its own."""
    load: Load | None = None

    @model_validator(mode="after")
    def _fits_its_suite(self) -> EvalSet:
        if (self.suite == "load") != (self.load is not None):
            raise ValueError("`load` belongs to the suite `load`, and must be there")
        if self.scorers is None and self.suite != "load":
            raise ValueError("`scorers` must name at least one scorer")
        if self.suite == "load" and self.replicates > 1:
            raise ValueError("a load suite is sent once: `replicates` must be 1")
        return self


class ExpectedTool(Frozen):
    """The tool call that a request asks for."""

    name: Identifier
    arguments: dict[str, JsonValue] = Field(default_factory=dict)


class ExpectedNumber(Frozen):
    """A number that the answer must state, give or take `tolerance` or `relative` of it."""

    value: Annotated[float, Field(ge=-1e300, le=1e300)]
    tolerance: Annotated[float, Field(ge=0, le=1e300)] = 0.0
    relative: Annotated[float, Field(ge=0, le=10)] = 0.0


class Expectation(Frozen):
    """What a right conversation holds. Texts are compared without regard to case and spacing."""

    exact: SampleText | None = None
    """The whole answer."""
    contains: Phrases = ()
    """Facts that the person needs, the one asked for first."""
    excludes: Phrases = ()
    """Claims that would be wrong."""
    pattern: SampleText | None = None
    """An RE2 pattern that must occur in the answer."""
    number: ExpectedNumber | None = None
    json_fields: dict[str, JsonValue] = Field(default_factory=dict)
    """Values that a JSON answer must have, by dotted path."""
    references: tuple[SampleText, ...] = ()
    """Good answers, for measures of likeness; the best match counts."""
    rubric: SampleText | None = None
    """What a judge should look at in this sample, beside the scorer's own rubric."""
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
    """The one tool call that is right."""
    tools: tuple[ExpectedTool, ...] = ()
    """The tool calls that are right, in order, over the whole conversation."""


class Sample(Frozen):
    """One person with one need. `follow_up` is said only where the first answer falls short."""

    id: SampleId
    input: SampleText
    tenant: Identifier = "public"
    task_class: Identifier | None = None
    response_format: Literal["text", "json"] = "text"
    expect: Expectation = Expectation()
    follow_up: SampleText | None = None
    then: Annotated[tuple[SampleText, ...], Field(max_length=100)] = ()
    """What the person says next, whatever the answers: a scripted conversation."""
    tool_results: dict[Identifier, JsonValue] = Field(default_factory=dict)
    """What each tool answers when the model calls it; a call without one ends the turn."""
    tags: dict[Identifier, ShortText] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_script(self) -> Sample:
        if self.then and self.follow_up is not None:
            raise ValueError("`then` and `follow_up` exclude each other")
        return self
