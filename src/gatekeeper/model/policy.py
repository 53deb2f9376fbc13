"""Gate policies in the three forms that people write, and the rules that they all become."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from gatekeeper.model.base import (
    ApiVersion,
    Frozen,
    Identifier,
    Name,
    RelativePath,
    ShortText,
    Text,
)
from gatekeeper.model.evalset import Suite
from gatekeeper.model.prices import CalendarDate

PRIORITY: Final = ("security", "safety", "supply_chain", "quality", "reliability", "cost")
"""Which section is told first; sections that are not named come last."""
RUN_SECTION: Final = "run"
"""Where a verdict says what is wrong with the run itself; no policy has a section of that name."""

Number = Annotated[float, Field(ge=-1e12, le=1e12)]
Alpha = Annotated[float, Field(gt=0, lt=0.5)]
Exposures = Annotated[int, Field(ge=1, le=10**9)]
Severity = Literal["block", "warn", "info"]
"""`block` decides; `warn` is told and does not; `info` is measured and told, no more."""
Reaction = Literal["block", "warn"]
"""What an outcome other than pass or fail does: it holds the release back, or is told."""
Method = Literal["delta", "bca"]
Slicing = Literal["every", "worst"]
Multiplicity = Literal["none", "holm", "benjamini_hochberg"]
Test = Literal[
    "min",
    "max",
    "max_increase",
    "max_decrease",
    "min_increase",
    "census",
    "evidence",
    "all_pass",
    "must_pass",
]
TESTS: Final[tuple[Test, ...]] = ("max_increase", "max_decrease", "min_increase", "min", "max")
"""What a limit may be; a longer name before the one it ends with."""
Condition = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Requirement = Condition | Annotated[dict[Identifier, bool], Field(min_length=1, max_length=1)]
"""``metric >= 0.99`` or ``{evidence: true}``."""
Choice = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""Samples by their id, by a tag that they have, or by ``tag=value``."""


class Calibration(Frozen):
    """How often a judge or a detector is right: counts against labels that people made.

    `gatekeeper runs calibrate` prints them. An event is what the metric counts.
    """

    true_events: Annotated[int, Field(ge=0)]
    """Labelled as events, and called events."""
    missed_events: Annotated[int, Field(ge=0)]
    """Labelled as events, and not called so."""
    true_others: Annotated[int, Field(ge=0)]
    """Labelled as no events, and not called so."""
    false_events: Annotated[int, Field(ge=0)]
    """Labelled as no events, and called events."""

    @model_validator(mode="after")
    def _labelled(self) -> Self:
        if not self.true_events + self.missed_events or not self.true_others + self.false_events:
            raise ValueError("labels of events and of others are both needed")
        return self


class OwnMetric(Frozen):
    """A metric of the policy's own: SQL over the records of one release.

    The query sees the views `requests`, `calls`, `scores`, `outcomes` and `facts`, and gives one
    row a sample: `sample`, the numerator `y`, and optionally the denominator `d` (1 where it is
    left out). It runs shut off from files and network, with a limit on time and memory.
    """

    sql: Text
    definition: ShortText
    kind: Literal["proportion", "ratio", "mean", "quantile"]
    unit: Literal["rate", "usd", "tokens", "ms", "per_request", "count"] = "rate"
    section: Identifier = "quality"
    better: Literal["high", "low"] = "low"
    suites: tuple[Suite, ...] = ()
    """Suites whose records the query sees; all where none is named."""
    quantile: Annotated[float, Field(gt=0, lt=1)] | None = None
    scale: Annotated[float, Field(gt=0, le=1e12)] = 1.0
    """What an estimate is multiplied by to be in `unit`."""
    look_at: ShortText = ""


class Rule(Frozen):
    """One thing that must be shown. Every form of a policy becomes a tuple of these.

    `max_increase` and its kin compare with the baseline: relative to it for costs and latencies,
    in points for rates. `census` demands zero occurrences over at least `exposures`. `evidence`
    demands a statement about the release; `all_pass` that all rules of some sections pass;
    `must_pass` that some samples pass in every replicate.
    """

    name: str
    section: str
    metric: str
    test: Test
    limit: float | None = None
    alpha: Alpha = 0.05
    exposures: Exposures = 300
    severity: Severity = "block"
    owner: str = ""
    """The team that answers for it."""
    on_missing: Reaction = "block"
    on_inconclusive: Reaction = "block"
    by: str | None = None
    """A tag or a column of requests: the rule holds in every slice that has one of its values."""
    slices: Slicing = "every"
    min_effect: float | None = None
    """How far beyond the limit the estimate must be before the rule fails."""
    detect: float | None = None
    """A true value that the rule is meant to stop: a policy that cannot is warned of."""
    method: Method | None = None
    calibration: Calibration | None = None
    samples: tuple[str, ...] = ()
    """Of `must_pass`: ids of samples, tags, or ``tag=value``."""
    skippable: bool = False


class RuleSpec(Frozen):
    """A rule in long form: a metric and exactly one limit."""

    metric: Identifier
    name: Identifier | None = None
    """How reports call it; made of the metric and the limit where it is not given."""
    min: Number | None = None
    max: Number | None = None
    max_increase: Number | None = None
    max_decrease: Number | None = None
    min_increase: Number | None = None
    alpha: Alpha | None = None
    exposures: Exposures | None = None
    """Of a zero limit: how many exposures must have been seen."""
    severity: Severity = "block"
    by: Identifier | None = None
    """A tag or a column of requests: the rule holds in every slice that has one of its values."""
    slices: Slicing | None = None
    """Whether `every` slice is decided and told, or the `worst` alone decides."""
    min_effect: Annotated[float, Field(gt=0, le=1e12)] | None = None
    """How far beyond the limit the estimate must be before the rule fails."""
    detect: Number | None = None
    """A true value that the rule is meant to stop."""
    method: Method | None = None
    """Of ratios and means: by the `delta` method, or by resampling (`bca`)."""
    calibration: Calibration | None = None
    """Of a share that a judge or a detector counts: how often that one is right."""
    on_missing: Reaction | None = None
    """What it does where it cannot be evaluated."""
    on_inconclusive: Reaction | None = None
    """What it does where the data show neither."""
    skippable: bool = False
    """Whether `gatekeeper gate --skip` may leave it out, with a name and a reason."""

    @property
    def limit(self) -> tuple[Test, float]:
        """How the one limit bounds the metric, and where."""
        return self._limits()[0]

    def _limits(self) -> list[tuple[Test, float]]:
        given = ((test, getattr(self, test)) for test in TESTS)
        return [(test, value) for test, value in given if value is not None]

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if len(self._limits()) != 1:
            raise ValueError(f"give exactly one of {', '.join(TESTS)}")
        return self


class Section(Frozen):
    """Rules of one kind and the team that answers for them.

    Beside `rules`, a section takes short forms: a metric followed by `_min`, `_max`,
    `_max_increase`, `_max_decrease` or `_min_increase`, or a bare metric with a limit of zero.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Number] = Field(init=False)

    owner: ShortText = ""
    rules: tuple[RuleSpec, ...] = ()
    must_pass: tuple[Choice, ...] = ()
    """Samples that have to pass in every replicate: an average can hide the one that never does."""


class PolicyMetadata(Frozen):
    """Whose policy it is and until when."""

    name: Name
    owner: ShortText
    version: Annotated[str, StringConstraints(min_length=1, max_length=63)] | None = None
    """What people call this state of it; what decides is its digest."""
    effective: CalendarDate
    """It decides nothing before that day."""
    review_by: CalendarDate | None = None
    """After that day, every verdict warns that nobody has looked at it again."""
    description: ShortText = ""


class PolicyDefaults(Frozen):
    """What a rule takes where it says nothing."""

    alpha: Alpha = 0.05
    exposures: Exposures = 300
    max_run_age_days: Annotated[float, Field(gt=0, le=3650)] = 30.0
    """An older run decides nothing."""
    on_missing: Reaction = "block"
    on_inconclusive: Reaction = "block"
    method: Method | None = None
    """Of ratios and means; the delta method where nothing is said."""


class GatePolicy(Frozen):
    """A gate policy in long form."""

    apiVersion: ApiVersion  # noqa: N815
    kind: Literal["GatePolicy"]
    metadata: PolicyMetadata
    priority: tuple[Identifier, ...] = PRIORITY
    defaults: PolicyDefaults = PolicyDefaults()
    parameters: dict[Identifier, Number] = Field(default_factory=dict)
    """Values of the names that conditions mention, such as `allowed_delta`."""
    multiplicity: Multiplicity = "none"
    """How p-values of failing are corrected for how many rules there are; passing never is."""
    expect_rules: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """How many rules this file makes: a line that is lost makes an error, not a weaker gate."""
    facts: RelativePath | None = None
    """The file of declared facts that no request knows, such as hours of review."""
    metrics: dict[Identifier, OwnMetric] = Field(default_factory=dict)
    """Metrics of the policy's own, by name."""
    sections: dict[Identifier, Section] = Field(default_factory=dict)
    require: tuple[Requirement, ...] = ()
    deny_if: tuple[Requirement, ...] = ()


class ReleaseGate(Frozen):
    """A gate as plain JSON: sections of short forms."""

    release_gate: Annotated[
        dict[Identifier, dict[Identifier, Number]], Field(min_length=1, max_length=100)
    ]


class PromotionAction(Frozen):
    """What the pipeline around the gate does with the answer; gatekeeper itself only reports."""

    on_pass: Identifier | None = None
    on_fail: Identifier | None = None


class ReleasePromotion(Frozen):
    """A gate as a list of what is required and what is denied."""

    policy: Literal["release_promotion"]
    applies_to: tuple[Identifier, ...] = ()
    require: tuple[Requirement, ...] = ()
    deny_if: tuple[Requirement, ...] = ()
    action: PromotionAction = PromotionAction()


AnyPolicy = GatePolicy | ReleaseGate | ReleasePromotion
