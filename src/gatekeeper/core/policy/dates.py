"""When a policy decides, and when somebody has to look at it again."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from gatekeeper.core.observation import Missing
from gatekeeper.model.policy import GatePolicy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.model.facts import Facts
    from gatekeeper.model.policy import AnyPolicy

OLD_FACTS: Final = timedelta(days=184)
"""Half a year after its end, a period says little of what is served now."""


def not_yet(policy: AnyPolicy, day: date) -> Missing | None:
    """Why a policy decides nothing on a day of UTC; None where it does."""
    if not isinstance(policy, GatePolicy) or policy.metadata.effective <= day.isoformat():
        return None
    effective = policy.metadata.effective
    what = f"the policy {policy.metadata.name} is effective from {effective}, and decides nothing"
    settle = "the policy that holds until then, with --policy"
    return Missing("not_effective", f"{what} before", settle)


def overdue(policy: AnyPolicy, day: date) -> tuple[str, ...]:
    """What every verdict of a day warns of, such as a review that nobody made."""
    if not isinstance(policy, GatePolicy):
        return ()
    review = policy.metadata.review_by
    if review is None or review >= day.isoformat():
        return ()
    owner = policy.metadata.owner
    return (f"the policy {policy.metadata.name} was to be reviewed by {review}: ask {owner}",)


def of_other_days(facts: Facts, day: date) -> Iterator[str]:
    """What a verdict of a day warns of where the facts are about days long gone, or to come."""
    start, end = facts.period.start, facts.period.end
    if end > day.isoformat():
        yield f"the facts are about {start} to {end}, which is not over"
    elif date.fromisoformat(end) + OLD_FACTS < day:
        yield f"the facts are about {start} to {end}, more than half a year ago"
