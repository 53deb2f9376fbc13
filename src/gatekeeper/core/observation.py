"""What was measured, reduced to what a decision needs. Produced by SQL, consumed by statistics."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

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
    """`events` among `n` trials; `unknown` more may have been events.

    A trial is one conversation: a sample, once per replicate.

    Attributes:
        clusters: Sums over clusters of the columns (events, trials), where trials are grouped: by
            the cluster key of the set, or by sample where samples have replicates.
        samples: Distinct samples; 0 where they are as many as trials.
        most: `clusters` if everything unknown was an event; None where nothing is unknown.
    """

    n: int
    events: int
    unknown: int = 0
    clusters: Sums | None = None
    samples: int = 0
    most: Sums | None = None


@dataclass(frozen=True, slots=True)
class Pairs:
    """`n` samples answered by both: in how many only the one or only the other had the event."""

    n: int
    candidate_only: int
    baseline_only: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Pairs that cannot be compared, by why.

    Attributes:
        failed: The baseline failed on them, so nothing is known of what it does there.
        unmeasured: The baseline answered, but one side has nothing to measure.
    """

    failed: int = 0
    unmeasured: int = 0

    @property
    def pairs(self) -> int:
        """All of them."""
        return self.failed + self.unmeasured


NONE_LEFT_OUT: Final = LeftOut()


@dataclass(frozen=True, slots=True)
class PairedProportion:
    """Candidate and baseline on the same samples.

    Attributes:
        high: Pairs where everything unknown counts as an event of the candidate alone.
        low: Pairs where everything unknown counts as an event of the baseline alone.
        clusters: Sums over clusters of the columns (events of the candidate less those of the
            baseline, pairs), where pairs are grouped as in `Proportion`.
        samples: Distinct samples; 0 where they are as many as pairs.
        most: `clusters` of the pairs `high`; None where nothing is unknown.
        least: `clusters` of the pairs `low`, likewise.
    """

    candidate: Proportion
    baseline: Proportion
    high: Pairs
    low: Pairs
    clusters: Sums | None = None
    samples: int = 0
    most: Sums | None = None
    least: Sums | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over `n` units of the columns of a ratio and of their products, exact integers.

    A unit is a cluster where samples are grouped, and a sample otherwise. The columns are (y, d) of
    the candidate, then those of the baseline in a paired comparison.

    Attributes:
        products: `products[i][j]` is the sum over units of column i times column j.
        samples: Distinct samples; 0 where they are as many as units.
        tied: Whether all samples of the candidate have the same y and the same d.
        groups: For skewness and for resampling: totals of the columns over groups of units, shape
            (groups, columns). A hash of the unit's name puts it into its group, so the order of
            rows is immaterial.
        alone: The same sums with every trial as a unit; None where each is one.
        left_out: Pairs that these sums do without.
        high: These sums with those pairs, and with what failed, as what raises a change most; None
            where nothing is unknown.
        low: Likewise, as what lowers it most.
    """

    n: int
    totals: tuple[int, ...]
    products: tuple[tuple[int, ...], ...]
    samples: int = 0
    tied: bool = False
    groups: NDArray[int64] | None = field(default=None, compare=False)
    alone: Sums | None = field(default=None, compare=False)
    left_out: LeftOut = NONE_LEFT_OUT
    high: Sums | None = field(default=None, compare=False)
    low: Sums | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Times:
    """One duration a trial, in microseconds, in the order in which the requests were due.

    Attributes:
        baseline: Those of the baseline for the same samples, in the same order.
        clusters: Number of the cluster of each, where the set names one.
        left_out: Pairs that are not among these.
        high: With those pairs, as what raises a change most; None where there are none.
        low: Likewise, as what lowers it most.
    """

    candidate: NDArray[int64]
    baseline: NDArray[int64] | None = None
    clusters: NDArray[int64] | None = None
    left_out: LeftOut = NONE_LEFT_OUT
    high: Times | None = None
    low: Times | None = None


@dataclass(frozen=True, slots=True)
class Declared:
    """A value made of declared facts alone, which no sample stands behind.

    Attributes:
        low: Lower end of what the facts allow; the value itself where they are exact.
        high: Upper end.
    """

    value: float
    low: float
    high: float
    baseline: float | None = None


@dataclass(frozen=True, slots=True)
class Census:
    """`occurrences` over `exposures`; of `unknown` more exposures nothing is known.

    Attributes:
        clusters: Of occurrences and exposures, where they are grouped as in `Proportion`.
    """

    exposures: int
    occurrences: int
    unknown: int = 0
    clusters: Sums | None = None


@dataclass(frozen=True, slots=True)
class Critical:
    """What a policy calls critical, by what it is called there.

    Attributes:
        wanted: An id of a sample, a tag, or ``tag=value``.
        samples: How many samples of the candidate it means.
        failed: Ids of those that failed at least once, sorted.
        trials: Conversations that those samples had, replicates included.
    """

    wanted: str
    samples: int
    failed: tuple[str, ...]
    trials: int


Observation = Proportion | PairedProportion | Sums | Times | Census | Declared | Missing
