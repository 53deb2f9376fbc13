"""When a policy decides, and when somebody has to look at it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.core.observation import Missing
from gatekeeper.model.policy import GatePolicy

if TYPE_CHECKING:
    from datetime import date

    from gatekeeper.model.policy import AnyPolicy


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
