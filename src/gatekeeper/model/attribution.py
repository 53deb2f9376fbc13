"""Which component of a change moved what, and how little of it has to be taken back."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gatekeeper.model.base import ComponentName, Digest, Frozen
from gatekeeper.model.run import RunRelease
from gatekeeper.model.verdict import Outcome, RuleOutcome

Method = Literal["one_change", "exact", "sampled"]
"""How contributions were found: a single change needs no mixed release at all."""
Code = Literal["named", "only_change", "cannot_tell", "not_the_change", "unmeasured"]
"""What was found out about a rule."""


class Moved(Frozen):
    """By how much something moved, in the unit of its rule.

    `low` and `high` hold together for all components of a rule; null where nothing can be said.
    """

    value: float
    low: float | None = None
    high: float | None = None


class ComponentShare(Frozen):
    """How much one component moved a rule's metric."""

    component: str
    """Its name; several, joined by ``+``, where they cannot be told apart."""
    components: tuple[ComponentName, ...]
    moved: Moved
    """Its Shapley value; those of all components add up to the whole change."""
    alone: Moved
    """When it alone is added to the baseline."""
    last: Moved
    """When it is added to all others: what taking it back undoes."""


class Interaction(Frozen):
    """How much more two components move together than each by itself."""

    components: tuple[str, str]
    moved: Moved


class CriticalSample(Frozen):
    """A sample that has to pass and does not."""

    sample: str
    suite: str
    before: bool
    """The baseline failed it, too: no component of the change did that."""
    cures: tuple[tuple[str, ...], ...] = ()
    """The smallest sets of components without which the candidate passes it. Where there are
    several, the components only do it together; where one holds several, each does it alone."""


class RuleAttribution(Frozen):
    """Who moved the metric of one rule."""

    rule: str
    section: str
    metric: str
    test: str
    limit: float | None = None
    outcome: RuleOutcome
    """What the run's verdict says of it."""
    unit: str = ""
    code: Code
    reason: str
    guilty: tuple[str, ...] = ()
    """The fewest components that surely moved it the bad way and together explain most of that."""
    baseline: float | None = None
    """The metric of each release, in its own unit."""
    candidate: float | None = None
    metric_unit: str = ""
    change: Moved | None = None
    components: tuple[ComponentShare, ...] = ()
    """Who moved it the bad way first."""
    interactions: tuple[Interaction, ...] = ()
    critical: tuple[CriticalSample, ...] = ()
    """Of a `must_pass` rule: every sample that fails."""
    facts: tuple[str, ...] = ()
    """Declared facts that the metric holds: the same in every mix, so that what is shared out is
    what requests determine."""
    by: str = ""
    slices: tuple[str, ...] = ()
    """Slices that decided a rule which goes by slices: only their samples are looked at."""
    suites: tuple[str, ...] = ()
    samples: int = 0
    units: int = 0
    """Independent units: clusters of samples where the set names them, samples otherwise."""


class Mix(Frozen):
    """A release that takes some components from the candidate and the rest from the baseline."""

    release: RunRelease
    components: tuple[ComponentName, ...]
    """Those from the candidate; none is the baseline, on suites that the run did not ask it."""
    run: str
    suites: tuple[str, ...]
    conversations: int
    asked: int
    """Calls of models that were made."""
    reused: int
    """Calls that the response cache answered."""
    earlier: bool = False
    """It was evaluated by an earlier attribution."""


class Coupling(Frozen):
    """Components that only go together, because a mix without one of them is no sound release."""

    components: tuple[ComponentName, ...]
    reasons: tuple[str, ...]


class Rollback(Frozen):
    """A release that takes some components back, and what the gate says of it."""

    components: tuple[ComponentName, ...]
    """Those that are as in the baseline."""
    release: RunRelease
    outcome: Outcome
    run: str
    rules: dict[str, RuleOutcome] = Field(default_factory=dict)
    """Outcomes of the rules of its own verdict."""
    kept: bool = False
    """It is signed and stored, with that verdict as its evidence."""


class Attribution(Frozen):
    """Everything that was found out about a run."""

    schema_version: Literal[1] = 1
    run: str
    candidate: RunRelease
    baseline: RunRelease
    policy: Digest
    policy_name: str = ""
    outcome: Outcome
    """Of the run's verdict."""
    changed: tuple[ComponentName, ...]
    coupled: tuple[Coupling, ...] = ()
    method: Method
    seed: int
    replicates: int
    confidence: float
    """At which the intervals of all components of a rule hold together."""
    rules: tuple[RuleAttribution, ...]
    mixes: tuple[Mix, ...] = ()
    rollbacks: tuple[Rollback, ...] = ()
    """Those that were decided by a verdict of their own, in the order in which that was done."""
    recommended: Rollback | None = None
    advice: str
    """What to do, in a sentence."""
    nano_usd: int = 0
    """Paid for all of it."""
    notes: tuple[str, ...] = ()
