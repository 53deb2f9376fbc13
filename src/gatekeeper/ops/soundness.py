"""Is a run fit to decide anything? Whatever is not makes an error of its own, never a pass."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from gatekeeper.core.canonical import short
from gatekeeper.core.observation import Missing
from gatekeeper.core.policy.dates import not_yet
from gatekeeper.core.policy.forms import defaults
from gatekeeper.core.results import counts, missing
from gatekeeper.model.policy import RUN_SECTION, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from gatekeeper.model.policy import AnyPolicy
    from gatekeeper.model.run import Run
    from gatekeeper.model.verdict import RuleResult
    from gatekeeper.ops.measurements import Measurements

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far the clocks of two machines may be apart."""
_TWINS: Final = Missing(
    "against_itself",
    "the release was run against itself, which measures noise and decides nothing",
    "a run without `--aa`",
)
_NOTHING_COUNTS: Final = Missing(
    "nothing_counts",
    "no rule has a say here: each only informs or warns, was skipped, or is let by undecided",
    "a rule with `severity: block` that the run decides",
)
_WHOLE: Final = "a run of all samples"


def unsound(
    run: Run, measurements: Measurements, policy: AnyPolicy, decided: datetime
) -> Iterator[RuleResult]:
    """One error for each reason why this run, or this policy, decides nothing now."""
    checks = (
        ("complete", _incomplete(run, measurements)),
        ("compared", _TWINS if run.options.aa else None),
        ("fresh", _stale(run, defaults(policy).max_run_age_days, decided)),
        ("priced", _mispriced(run, measurements)),
        ("policy_effective", not_yet(policy, decided.date())),
    )
    for name, why in checks:
        if why is not None:
            yield _error(name, why, f"the run {run.id}")


def undecided(run: Run, results: Sequence[RuleResult]) -> Iterator[RuleResult]:
    """An error where not one rule has a say: then nothing was shown, whatever they found."""
    if not any(map(counts, results)):
        yield _error("decides", _NOTHING_COUNTS, f"the policy, and the run {run.id}")


def _error(name: str, why: Missing, look_at: str) -> RuleResult:
    rule = Rule(
        name=f"{RUN_SECTION}.{name}", section=RUN_SECTION, metric=RUN_SECTION, test="evidence"
    )
    return missing(rule, why, look_at=look_at)


def _incomplete(run: Run, measurements: Measurements) -> Missing | None:
    again = "a run that comes to its end"
    if run.status != "complete":
        return Missing("partial", f"the run is {run.status}: its records are not all there", again)
    if run.partial:
        return Missing("partial", f"part of a run: {'; '.join(run.partial)}", _WHOLE)
    for release in (run.candidate, run.baseline):
        if release is None:
            continue
        expected = {suite: n for suite, n in run.expected(release.digest).items() if n}
        found = measurements.conversations(release.digest)
        for suite in sorted(expected.keys() | found.keys()):
            wanted, got = expected.get(suite, 0), found.get(suite, 0)
            if wanted != got:
                what = f"{got:,} of {wanted:,} samples of suite {suite} were recorded"
                return Missing("partial", f"{what} for {short(release.digest)}", again)
    return None


def _stale(run: Run, max_age_days: float, decided: datetime) -> Missing | None:
    again = "evaluate again"
    if run.ended is None:
        return Missing("undated", "the run does not say when it ended", again)
    if run.ended > decided + CLOCK_SKEW:
        return Missing(
            "future", f"the run ended in the future, at {run.ended:%Y-%m-%d %H:%M}", again
        )
    age = decided - run.ended
    if age > timedelta(days=max_age_days):
        what = f"the run is {age.days} days old; the policy accepts {max_age_days:g}"
        return Missing("stale", what, again)
    return None


def _mispriced(run: Run, measurements: Measurements) -> Missing | None:
    again = "a run with one price book that prices every model"
    for found in measurements.price_books():
        if not found:
            return Missing("unpriced", "calls were recorded without a price", again)
        if found != run.price_book:
            what = f"calls were priced by {short(found)}, not by the run's price book"
            return Missing("mispriced", what, again)
    return None
