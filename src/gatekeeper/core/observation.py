"""What was measured, reduced to what a decision needs. Produced by SQL, consumed by statistics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import int64
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Missing:
    """Why something cannot be measured; never a pass."""

    code: str
    reason: str
    settle: str


@dataclass(frozen=True, slots=True)
class Proportion:
    """`events` among `n` samples; `unknown` more may have been events."""

    n: int
    events: int
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Pairs:
    """`n` samples answered by both: in how many only the one or only the other had the event."""

    n: int
    candidate_only: int
    baseline_only: int


@dataclass(frozen=True, slots=True)
class PairedProportion:
    """Candidate and baseline on the same samples.

    Attributes:
        high: Pairs where everything unknown counts as an event of the candidate alone.
        low: Pairs where everything unknown counts as an event of the baseline alone.
    """

    candidate: Proportion
    baseline: Proportion
    high: Pairs
    low: Pairs


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over `n` samples of the columns of a ratio and of their products, exact integers.

    The columns are (y, d) of the candidate, then those of the baseline in a paired comparison.
    `products[i][j]` is the sum of column i times column j.
    """

    n: int
    totals: tuple[int, ...]
    products: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Times:
    """One duration a sample, in microseconds; those of the baseline in the same order."""

    candidate: NDArray[int64]
    baseline: NDArray[int64] | None = None


@dataclass(frozen=True, slots=True)
class Census:
    """`occurrences` over `exposures`; of `unknown` more exposures nothing is known."""

    exposures: int
    occurrences: int
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Failures:
    """How much of what a release was asked, and of what was scored, ended in an error.

    Attributes:
        errors: Requests with the status `error`, of `requests`.
        reason: The most common reason among them.
        answered: Calls of a model that succeeded, of `calls`.
        cause: The most common error of the calls that were made and failed.
        crashed: Scores that are errors, of `scores`.
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


Observation = Proportion | PairedProportion | Sums | Times | Census | Missing
