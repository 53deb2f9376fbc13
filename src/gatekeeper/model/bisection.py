"""In which release of a history a metric moved, and which of its components did it."""

from __future__ import annotations

from typing import Literal

from gatekeeper.model.attribution import Mix, Moved, RuleAttribution
from gatekeeper.model.base import Frozen
from gatekeeper.model.run import RunRelease

BisectionCode = Literal["found", "unsure", "not_moved"]
"""`unsure`: a release could not be told to be before or after it."""


class Probe(Frozen):
    """One release compared with the good one."""

    release: RunRelease
    moved: bool
    sure: bool
    change: Moved
    """Against the good release, in the unit of the bisection."""
    n: int
    run: str
    stored: bool
    """The run was there; nothing was asked."""


class Bisection(Frozen):
    """What was found along a history."""

    schema_version: Literal[1] = 1
    metric: str
    unit: str
    environment: str
    code: BisectionCode
    reason: str
    releases: tuple[RunRelease, ...]
    """From the good one to the bad one."""
    good: float | None = None
    """The metric of the good release, in its own unit."""
    bad: float | None = None
    metric_unit: str
    probes: tuple[Probe, ...]
    """In the order in which they were made; the first is the bad release."""
    found: RunRelease | None = None
    """The first release that moved."""
    before: RunRelease | None = None
    """The one before it."""
    components: RuleAttribution | None = None
    """Which component of that release did it."""
    mixes: tuple[Mix, ...] = ()
    nano_usd: int = 0
