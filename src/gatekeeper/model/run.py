"""A run: one evaluation of a release, with or without a baseline, as `run.json` describes it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatekeeper.model.base import Digest, Frozen, Name
from gatekeeper.model.evalset import Suite
from gatekeeper.model.moment import Moment

RunStatus = Literal["running", "complete", "interrupted"]


class RunRelease(Frozen):
    """One of the releases that a run compares."""

    name: Name
    digest: Digest


class RunSet(Frozen):
    """An eval set as it was used."""

    name: Name
    suite: Suite
    digest: Digest
    """sha256 of the samples' file."""
    samples: Annotated[int, Field(ge=0)]


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
    replicates: Annotated[int, Field(ge=1)] = 1
    seed: int = 0
    engines: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Fingerprint of what served each model: what the release was validated on."""
    price_book: Digest | None = None
    started: Moment
    ended: Moment | None = None
    files: dict[str, Digest] = Field(default_factory=dict)
    """sha256 of each table; empty until the run is sealed."""
    notes: tuple[str, ...] = ()
    """What a reader of the records should know, such as a line lost to a kill."""

    def expected(self, release: Digest) -> dict[str, int]:
        """First requests of conversations that `release` must have, by suite."""
        counts: dict[str, int] = {}
        for used in self.sets:
            if release == self.candidate.digest or used.suite in self.baseline_suites:
                counts[used.suite] = counts.get(used.suite, 0) + used.samples * self.replicates
        return counts
