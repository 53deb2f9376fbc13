"""The verdict: the outcome of every rule, the worst of which is the outcome of the whole."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from gatekeeper.model.asked import Asked
from gatekeeper.model.base import ComponentName, Digest, Frozen
from gatekeeper.model.moment import Moment
from gatekeeper.model.policy import Severity
from gatekeeper.model.prices import ModelPrice
from gatekeeper.model.run import RunSource

Outcome = Literal["pass", "fail", "inconclusive", "error"]
RuleOutcome = Literal["pass", "fail", "inconclusive", "error", "skipped", "not_applicable"]
Indirect = Literal["imported", "cached", "drifted", "skipped"]
"""How evidence can be less than answers of the release, made for the run, where it is served."""


class SliceResult(Frozen):
    """What a rule found in one slice."""

    value: str
    """Of the tag or the column that the rule goes by."""
    outcome: RuleOutcome
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    p: float | None = None
    p_fail: float | None = None


class Contribution(Frozen):
    """A sample that moved a rule's estimate more than others did, the wrong way."""

    sample: str
    suite: str
    candidate: float | None = None
    """Its own value, in the unit of the rule's metric."""
    baseline: float | None = None
    share: float | None = None
    """Of what all samples together are away from the rest; null where that has no meaning."""
    request: str = ""
    """The first request of its conversation."""


class Variation(Frozen):
    """How a candidate's values vary: between samples, and between replicates of one sample.

    The variance of their mean is between / samples + within / conversations: where `within` is
    small beside `between`, more replicates say next to nothing, and more samples do.
    """

    between: float
    within: float
    samples: int
    conversations: int


class Skip(Frozen):
    """A rule that somebody took out of a decision."""

    by: str
    reason: str


class Loosened(Frozen):
    """A limit that demands less than the policy which decided the active release."""

    rule: str
    what: str
    """The part of the rule: ``limit``, ``severity``, ``exposures``, or ``removed``."""
    before: str
    after: str


class PastPolicy(Frozen):
    """A policy that decided before, and what it was given."""

    policy: dict[str, JsonValue]
    parameters: dict[str, float] = Field(default_factory=dict)
    sets: dict[str, Digest] = Field(default_factory=dict)
    """The eval sets that it decided by, by name."""
    asked: dict[str, Asked] = Field(default_factory=dict)
    prices: dict[str, ModelPrice] = Field(default_factory=dict)
    facts: dict[str, JsonValue] | None = None


class Inputs(Frozen):
    """All that a verdict rests on beside the records: enough to derive it again."""

    policy: dict[str, JsonValue] = Field(default_factory=dict)
    facts: dict[str, JsonValue] | None = None
    facts_given: bool = False
    """Whether they were given by hand, in place of those that the policy names."""
    limits: dict[str, float] = Field(default_factory=dict)
    """Limits by rule that were tried in place of the policy's; such a verdict is never kept."""
    skips: dict[str, Skip] = Field(default_factory=dict)
    before: PastPolicy | None = None
    """The policy that decided the active release, where there was one."""
    changed: tuple[ComponentName, ...] = ()
    """Components in which the candidate differs from the baseline."""


class RuleResult(Frozen):
    """What one rule found.

    `low` and `high` are one-sided bounds, each at confidence 1 - `alpha`: the rule passes or
    fails when the one that matters is on the right side of `limit`.
    """

    rule: str
    section: str
    outcome: RuleOutcome
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    margin: float | None = None
    """How far the estimate is on the good side of the limit; negative beyond it."""
    n: int = 0
    """What the estimate rests on: samples, pairs of samples, or exposures."""
    reason: str
    """What was observed, in a sentence."""
    code: str
    """The same, for programs: stable, such as `shown` or `too_few`."""
    settle: str = ""
    """What would settle it, where it is not settled."""
    look_at: str = ""
    """Where to look, where it did not pass."""
    metric: str
    test: str
    unit: str = ""
    method: str = ""
    candidate: float | None = None
    baseline: float | None = None
    n_needed: int | None = None
    """Samples of which a new run settles an inconclusive rule with a chance of 80 %, by what this
    run leaves possible of the truth."""
    alpha: float = 0.05
    seed: int | None = None
    severity: Severity = "block"
    owner: str = ""
    blocks: bool = False
    """Whether this outcome keeps the release from passing."""
    p: float | None = None
    """P-value of the test that shows the rule met."""
    p_fail: float | None = None
    """P-value of the test that shows it broken, corrected for other rules where the policy says."""
    mde: float | None = None
    """How far on the good side of the limit the truth must be to pass with a power of 80 %."""
    clusters: int = 0
    """Groups of samples that are independent of each other; 0 where each stands alone."""
    design_effect: float = 1.0
    """Variance of the estimate over what it would be if all conversations were independent; 1 where
    it would be as large, or no smaller."""
    left_out: int = 0
    """Pairs that could not be compared, beside `n`; bounds count them as the worst they may be."""
    by: str = ""
    """The tag or the column that slices go by."""
    slices: tuple[SliceResult, ...] = ()
    """What decided a rule that goes by slices; otherwise, where it is not met, parts of its samples
    to look at. The worst first."""
    samples: tuple[Contribution, ...] = ()
    variation: Variation | None = None
    """Of a share or a mean whose samples have replicates."""
    suspects: tuple[ComponentName, ...] = ()
    """Changed components that most likely moved the metric, most likely first."""
    skip: Skip | None = None


class Verdict(Frozen):
    """The answer to "may this be released?", with everything it rests on by digest."""

    schema_version: Literal[1] = 1
    outcome: Outcome
    release: Digest
    release_name: str = ""
    baseline: Digest | None = None
    baseline_name: str = ""
    run: str
    run_digest: Digest
    """sha256 of the canonical `run.json`, which holds the digest of every table."""
    policy: Digest
    policy_name: str = ""
    price_book: Digest | None = None
    parameters: dict[str, float] = Field(default_factory=dict)
    rules: tuple[RuleResult, ...]
    decided: Moment
    ended: Moment | None = None
    """When the run that this rests on ended: evidence ages from here."""
    sets: dict[str, Digest] = Field(default_factory=dict)
    """The eval sets that were used, by name."""
    unasked: tuple[str, ...] = ()
    """Eval sets that the release's manifest names, and that the run did without."""
    asked: dict[str, Asked] = Field(default_factory=dict)
    """What they ask, by name, so that the next verdict can tell whether it is easier."""
    prices: dict[str, ModelPrice] = Field(default_factory=dict)
    """Of the models of both releases."""
    engines: dict[str, str] = Field(default_factory=dict)
    """What served each model: engine and version."""
    source: RunSource | None = None
    """Where the run's records come from, where another tool made them."""
    cached_calls: int = 0
    """Calls that the response cache answered."""
    drift: tuple[str, ...] = ()
    """How what served differs from what the release accepts, where that was allowed."""
    warnings: tuple[str, ...] = ()
    """What does not decide and should be known, such as a review that is overdue."""
    loosened: tuple[Loosened, ...] = ()
    """What the policy demands less of than the one that decided the active release."""
    needs_approval: bool = False
    """The release passes only because of that: its promotion needs somebody's approval."""
    inputs: Inputs = Inputs()

    @property
    def indirect(self) -> dict[Indirect, str]:
        """In what ways it rests on less than answers made for its run, and a clause about each."""
        found: dict[Indirect, str] = {}
        if self.source is not None:
            found["imported"] = f"a run imported from {self.source.label}"
        if self.cached_calls:
            found["cached"] = f"{self.cached_calls:,} answers from the response cache"
        if self.drift:
            found["drifted"] = f"another machine than the release accepts ({'; '.join(self.drift)})"
        if skipped := [rule.rule for rule in self.rules if rule.outcome == "skipped"]:
            found["skipped"] = f"rules that were skipped ({', '.join(skipped)})"
        return found
