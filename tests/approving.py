"""Builders for tests of what is promoted only if somebody approved of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from delivery import Delivery, intent
from gatekeeper.adapters.policies import read_policy
from gatekeeper.adapters.signing import sign_statement
from gatekeeper.cli.wiring import store_of
from gatekeeper.model.statement import POLICY_APPROVAL, Statement
from gatekeeper.ops.approve import approve
from gatekeeper.ops.policy import Policy
from gatekeeper.ops.promote import promote

if TYPE_CHECKING:
    from gatekeeper.core.admission import Moved

FILE = "gates/desk.yaml"


def applied(delivery: Delivery) -> Policy:
    return Policy(read_policy(delivery.root / FILE, delivery.project).value)


def promoted(delivery: Delivery, digest: str, **more: Any) -> Moved:
    return promote(delivery.site(), digest, intent(**more), delivery.signer())


def codes(moved: Moved) -> list[str]:
    return [reason.code for reason in moved.admission.reasons]


def approved(delivery: Delivery, reason: str, role: Any = "promote", **changes: Any) -> str:
    """The approval of the second release, with `changes`, attached as `role` signs it."""
    found = approve(
        delivery.site(), delivery.v2, applied(delivery), intent(reason=reason), delivery.signer()
    ).approval.model_copy(update=changes)
    statement = Statement.about(delivery.v2, POLICY_APPROVAL, found.model_dump(mode="json"))
    bundle = sign_statement(statement, delivery.signer(role))
    return store_of(delivery.project).attach(delivery.v2, bundle, POLICY_APPROVAL)
