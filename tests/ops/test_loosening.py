"""A policy that demands less than the one before it: found out, and promoted only if approved."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from approving import FILE, applied, approved, codes, promoted
from builders import write
from delivery import POLICY, Delivery, intent, make_delivery
from gatekeeper.errors import IntegrityError, UndecidedError, UsageError
from gatekeeper.model.statement import VERDICT
from gatekeeper.model.verdict import Inputs, PastPolicy
from gatekeeper.ops.approve import approve
from gatekeeper.ops.verify import verify

if TYPE_CHECKING:
    from pathlib import Path


WHY = "a model of half the price"
STRICT = POLICY
LENIENT = POLICY.replace("0.5", "0.4")


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    """What is stable was decided by the strict policy."""
    made = make_delivery(tmp_path)
    made.decide(made.v1, inputs=Inputs(policy=document(made)))
    assert promoted(made, made.v1).written
    return made


def document(delivery: Delivery) -> dict[str, Any]:
    return applied(delivery).value.model_dump(mode="json", exclude_unset=True)


def gate(delivery: Delivery, text: str, *, beside: str | None = STRICT, needs: bool = True) -> str:
    """A verdict on the second release, by a policy that was just written."""
    before = None
    if beside is not None:
        write(delivery.root / FILE, beside)
        before = PastPolicy(policy=document(delivery))
    write(delivery.root / FILE, text)
    inputs = Inputs(policy=document(delivery), before=before)
    return delivery.decide(delivery.v2, delivery.v1, inputs=inputs, needs_approval=needs)


def test_a_release_that_passes_only_because_less_is_demanded_stays_out(delivery: Delivery) -> None:
    gate(delivery, LENIENT)
    moved = promoted(delivery, delivery.v2)
    assert (moved.exit_code, codes(moved)) == (1, ["policy-loosened"])
    (reason,) = moved.admission.reasons
    assert "quality.resolved_rate_min limit 0.5 -> 0.4" in reason.text
    assert "gatekeeper policy approve" in reason.fix
    assert not verify(delivery.site(), delivery.v2, now=intent().now).accepted


def test_an_approval_lets_it_in_and_the_ledger_relies_on_it(delivery: Delivery) -> None:
    verdict = gate(delivery, LENIENT)
    name = approved(delivery, WHY)
    moved = promoted(delivery, delivery.v2)
    assert moved.written
    assert moved.entry is not None
    assert moved.entry.relied_on.verdict == verdict
    assert name in moved.entry.relied_on.evidence


@pytest.mark.parametrize(
    ("role", "changes"),
    [
        ("gate", {}),
        ("release", {}),
        ("promote", {"policy": "sha256:" + "5" * 64}),
        ("promote", {"before": "sha256:" + "5" * 64}),
        ("promote", {"environment": "prod"}),
        ("promote", {"schema_version": 2}),
    ],
)
def test_an_approval_of_something_else_is_none(
    delivery: Delivery, role: str, changes: dict[str, Any]
) -> None:
    gate(delivery, LENIENT)
    approved(delivery, WHY, role, **changes)
    assert codes(promoted(delivery, delivery.v2)) == ["policy-loosened"]


def test_an_approval_ends_with_the_next_change_of_the_policy(delivery: Delivery) -> None:
    gate(delivery, LENIENT)
    approved(delivery, WHY)
    gate(delivery, POLICY.replace("0.5", "0.3"))
    assert codes(promoted(delivery, delivery.v2)) == ["policy-loosened"]


def test_what_would_have_passed_before_needs_no_approval(delivery: Delivery) -> None:
    gate(delivery, LENIENT, needs=False)
    assert promoted(delivery, delivery.v2).written


def test_what_demands_more_needs_no_approval(delivery: Delivery) -> None:
    gate(delivery, POLICY.replace("0.5", "0.6"), beside=None, needs=False)
    assert promoted(delivery, delivery.v2).written


def test_a_verdict_that_was_not_decided_beside_the_active_policy_has_to_be(
    delivery: Delivery,
) -> None:
    gate(delivery, LENIENT, beside=LENIENT.replace("0.4", "0.45"), needs=False)
    moved = promoted(delivery, delivery.v2)
    assert (moved.exit_code, codes(moved)) == (3, ["verdict-before"])
    assert moved.admission.reasons[0].fix == "gatekeeper gate run-1 --env local"


def test_a_verdict_that_holds_no_policy_cannot_be_compared(delivery: Delivery) -> None:
    write(delivery.root / FILE, LENIENT)
    delivery.decide(delivery.v2, delivery.v1)
    moved = promoted(delivery, delivery.v2)
    assert codes(moved) == ["verdict-before"]
    assert "does not hold the policy" in moved.admission.reasons[0].text


def test_a_verdict_that_the_store_lost_leaves_nothing_to_compare_with(delivery: Delivery) -> None:
    gate(delivery, LENIENT)
    index = delivery.project.store / "index.json"
    index.write_text(index.read_text().replace(f'"{VERDICT}"', '"https://x.y"', 1))
    moved = promoted(delivery, delivery.v2)
    assert codes(moved) == ["policy-before"]
    assert moved.exit_code == 3


def test_there_is_nothing_to_approve_of_where_no_less_is_demanded(delivery: Delivery) -> None:
    with pytest.raises(UsageError, match="nothing to approve of"):
        approved(delivery, WHY)


def test_nor_where_nothing_is_stable(tmp_path: Path) -> None:
    with pytest.raises(UndecidedError, match="no policy to compare with"):
        approved(make_delivery(tmp_path), WHY)


def test_a_key_that_does_not_count_here_approves_of_nothing(delivery: Delivery) -> None:
    gate(delivery, LENIENT)
    site = delivery.site()
    strict = replace(site, verifier=delivery.site("prod").verifier)
    with pytest.raises(IntegrityError, match="development key"):
        approve(strict, delivery.v2, applied(delivery), intent(reason="r"), delivery.signer())
