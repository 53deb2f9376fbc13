"""The verdict: the outcome of every rule, the worst of which is the outcome of the whole."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gatekeeper.model.base import Digest, Frozen
from gatekeeper.model.moment import Moment
from gatekeeper.model.run import RunSource

Outcome = Literal["pass", "fail", "inconclusive", "error"]
RuleOutcome = Literal["pass", "fail", "inconclusive", "error", "not_applicable"]
Indirect = Literal["imported", "cached", "drifted"]
"""How evidence can be less than answers of the release, made for the run, where it is served."""


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
    n: int = 0
    """Independent units the estimate rests on: samples, pairs of samples, or exposures."""
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
    """Units that would settle an inconclusive rule if the estimate stayed as it is."""
    alpha: float = 0.05
    seed: int | None = None
    severity: Literal["block", "warn"] = "block"


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
    engines: dict[str, str] = Field(default_factory=dict)
    """What served each model: engine and version."""
    source: RunSource | None = None
    """Where the run's records come from, where another tool made them."""
    cached_calls: int = 0
    """Calls that the response cache answered."""
    drift: tuple[str, ...] = ()
    """How what served differs from what the release accepts, where that was allowed."""

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
        return found
