"""How much of what a release was asked it answered, and when that is too little to measure."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.core.observation import Missing


@dataclass(frozen=True, slots=True)
class Failures:
    """How much of what a release was asked, and of what was scored, ended in an error.

    Attributes:
        errors: Requests with the status `error`, of `requests`.
        reason: The most common reason among them.
        answered: Calls of a model that succeeded, of `calls`.
        cause: The most common error of the calls that were made and failed.
        crashed: Scores that are errors, of `scores`, which are counted only where some are.
        crash: The most common error among them.
    """

    requests: int
    errors: int
    reason: str
    calls: int
    answered: int
    cause: str
    scores: int
    crashed: int
    crash: str

    @property
    def missing(self) -> Missing | None:
        """Why nothing can be measured: no model ever answered, or every score is an error."""
        if self.errors and (self.errors == self.requests or (self.calls and not self.answered)):
            return Missing("all_errors", self._told, "a run in which requests are answered")
        if self.scores and self.crashed == self.scores:
            what = f"all {self.scores:,} scores are errors, most often: {self.crash}"
            return Missing("all_errors", what, "a run whose scorers work")
        return None

    @property
    def _told(self) -> str:
        if self.errors == self.requests:
            what = f"all {self.requests:,} requests ended in an error"
        else:
            share = f"{self.errors:,} of {self.requests:,} requests"
            what = f"no model answered: {share} ended in an error"
        cause = f" ({self.cause})" if self.cause and self.cause not in self.reason else ""
        return f"{what}, most often: {self.reason}{cause}"


@dataclass(frozen=True, slots=True)
class Answered:
    """How much of what a release was asked in some suites it answered.

    Attributes:
        requests: All of them.
        errors: Those with the status `error`.
        calls: Attempts at a model.
        answers: Calls of a model that succeeded.
    """

    requests: int = 0
    errors: int = 0
    calls: int = 0
    answers: int = 0

    def __add__(self, other: Answered) -> Answered:
        """Both together."""
        return Answered(
            self.requests + other.requests,
            self.errors + other.errors,
            self.calls + other.calls,
            self.answers + other.answers,
        )

    @property
    def unfit(self) -> Missing | None:
        """Why a baseline that answered so is none: at its worst, nothing is worse than it."""
        if self.calls and not self.answers:
            what = f"no model of the baseline answered any of {self.requests:,} requests"
        elif 2 * self.errors > self.requests:
            what = f"the baseline failed on {self.errors:,} of {self.requests:,} requests"
        else:
            return None
        what += ": one that mostly fails is no baseline"
        return Missing("baseline_failed", what, "a run while the baseline answers")
