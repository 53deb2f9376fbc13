"""A run: one evaluation of a release, with or without a baseline, as `run.json` describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from gatekeeper.model.asked import Asked
from gatekeeper.model.base import Digest, Frozen, Name, ShortText, is_absent
from gatekeeper.model.evalset import Suite
from gatekeeper.model.moment import Moment
from gatekeeper.model.prices import ModelPrice

if TYPE_CHECKING:
    from datetime import datetime

RunStatus = Literal["running", "complete", "interrupted"]
Count = Annotated[int, Field(ge=0)]


class RunRelease(Frozen):
    """One of the releases that a run compares."""

    name: Name
    digest: Digest


class RunSet(Frozen):
    """An eval set as it was used."""

    name: Name
    suite: Suite
    digest: Digest
    """Of its header and all its files; of an imported run, of what was imported."""
    samples: Count
    """Samples that were asked: all of the set, but for a shard or a limit."""
    replicates: Annotated[int, Field(ge=1)] = 1
    of: Count | None = None
    """Samples of the whole set, where only some were asked."""
    asked: Asked | None = Field(default=None, exclude_if=is_absent)
    """What the whole set holds, for comparison with a later one; null where nobody looked."""

    @property
    def conversations(self) -> int:
        """First requests of conversations that a release must have."""
        return self.samples * self.replicates


class Shard(Frozen):
    """One part of a run that several machines share."""

    index: Annotated[int, Field(ge=1, le=10_000)]
    """From 1."""
    count: Annotated[int, Field(ge=1, le=10_000)]


class RunOptions(Frozen):
    """What was asked for: what a resumed run goes on with."""

    environment: str = "local"
    engine: str | None = None
    sets: tuple[str, ...] = ()
    limit: Annotated[int, Field(ge=1)] | None = None
    """Samples of each set at most, stratified by the set's strata or clusters."""
    shard: Shard | None = None
    aa: bool = False
    concurrency: int = 64
    cache: bool | None = None
    """Whether responses are cached; null: where the weights are pinned."""
    responses: str | None = None
    """File that the engine `recorded` answers from."""
    max_usd: float | None = None
    max_tokens: int | None = None
    policy: str | None = None
    parameters: dict[str, float] = Field(default_factory=dict)
    facts: str | None = Field(default=None, exclude_if=is_absent)
    """File of declared facts that were given in place of the policy's."""
    allow_environment_drift: bool = False


class Spend(Frozen):
    """What a run has used, over all its sittings."""

    nano_usd: Count = 0
    """Paid: answers from the response cache are not."""
    tokens: Count = 0
    unrecorded_nano_usd: Count = 0
    """Paid on top, for conversations that a ceiling cut off; where there was no ceiling, 0."""
    unrecorded_tokens: Count = 0
    cached_calls: Count = 0
    """Calls that the response cache answered."""
    sittings: Count = 1
    """How often it was started: 1, and once more for each resumption."""
    repeated: Count = 0
    """Conversations that were cut off and asked again."""


class RunSource(Frozen):
    """Where the records of an imported run come from."""

    format: ShortText
    tool: ShortText = ""
    """Name and version of what made them."""
    digest: Digest
    """sha256 of the file that was imported; of several, of the map from their names to sha256."""

    @property
    def label(self) -> str:
        """Who made it, for people: ``inspect 0.3.285``."""
        return self.tool or self.format


def run_id(now: datetime, salt: str) -> str:
    """The id of a run that begins now: the order of ids is that of time, to the millisecond."""
    return f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03d}{salt[:3]}"


class Run(Frozen):
    """What was run, against what, and whether it was run to its end."""

    id: Name
    status: RunStatus
    candidate: RunRelease
    baseline: RunRelease | None = None
    first_release: bool = False
    """The environment's ledger was empty: there is nothing that a baseline could be."""
    sets: tuple[RunSet, ...]
    baseline_suites: tuple[Suite, ...] = ()
    """Suites that the baseline ran too, sample by sample in the same session."""
    seed: int = 0
    options: RunOptions = RunOptions()
    engines: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Fingerprint of what served each model: what the release was validated on."""
    determinism: dict[str, str] = Field(default_factory=dict)
    """What decides whether it can be repeated to the letter: order, batching, sampling, threads."""
    drift: tuple[ShortText, ...] = ()
    """How what served differs from what the release was validated on, where that was allowed."""
    contamination: tuple[ShortText, ...] = ()
    """Eval samples that the prompt or the snapshot already holds."""
    price_book: Digest | None = None
    prices: dict[str, ModelPrice] = Field(default_factory=dict, exclude_if=is_absent)
    """What the price book said of the models of both releases."""
    started: Moment
    ended: Moment | None = None
    spend: Spend = Spend()
    source: RunSource | None = None
    """Set where gatekeeper did not run it, but read what another tool recorded."""
    unasked: tuple[Name, ...] = Field(default=(), exclude_if=is_absent)
    """Eval sets that the manifest names, of suites of which nothing was asked."""
    partial: tuple[ShortText, ...] = ()
    """Why it cannot decide: what was left out, or what its source did not finish."""
    files: dict[str, Digest] = Field(default_factory=dict)
    """sha256 of each table; empty until the run is sealed."""
    notes: tuple[str, ...] = ()
    """What a reader of the records should know, such as a line lost to a kill."""

    @property
    def unbound(self) -> bool:
        """Its results were imported without saying which release they are about."""
        return self.source is not None and self.candidate.digest == self.source.digest

    def expected(self, release: Digest) -> dict[str, int]:
        """First requests of conversations that `release` must have, by suite."""
        counts: dict[str, int] = {}
        for used in self.sets:
            if release == self.candidate.digest or used.suite in self.baseline_suites:
                counts[used.suite] = counts.get(used.suite, 0) + used.conversations
        return counts
