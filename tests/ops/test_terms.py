"""An environment that asks for less than before: found out, and promoted to only if approved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approving import FILE, applied, approved, codes, promoted
from builders import write
from delivery import LOCAL, POLICY, Delivery, intent, make_delivery
from gatekeeper.cli.boundary import guarded
from gatekeeper.cli.main import run
from gatekeeper.core.terms import terms_changes, terms_eased
from gatekeeper.errors import UsageError
from gatekeeper.model.environment import Environment, Terms
from gatekeeper.model.ledger import LedgerEntry
from gatekeeper.model.verdict import Inputs, Loosened, PastPolicy
from gatekeeper.ops.demands import decided_before
from gatekeeper.ops.rollback import rollback
from gatekeeper.ops.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable


GOLDEN = Path(__file__).parents[1] / "golden" / "policy"
WHY = "no runs over Christmas"
STRICT = LOCAL + "verdict_max_age: 24h\nrefuses_evidence: [cached, skipped]\n"
LENIENT = LOCAL + "verdict_max_age: 7d\nrefuses_evidence: [cached]\n"


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    """The first release was promoted under strict terms."""
    made = make_delivery(tmp_path)
    write(made.root / "manifests/environments/local.yaml", STRICT)
    decide(made, made.v1)
    assert promoted(made, made.v1).written
    return made


def decide(delivery: Delivery, about: str, baseline: str | None = None) -> None:
    delivery.decide(about, baseline, inputs=Inputs(policy=document(delivery)))


def document(delivery: Delivery) -> dict[str, Any]:
    return applied(delivery).value.model_dump(mode="json", exclude_unset=True)


def loosen(delivery: Delivery, text: str = LENIENT) -> None:
    write(delivery.root / "manifests/environments/local.yaml", text)
    decide(delivery, delivery.v2, delivery.v1)


def test_an_environment_that_asks_for_less_takes_nothing(delivery: Delivery) -> None:
    loosen(delivery)
    moved = promoted(delivery, delivery.v2)
    assert (moved.exit_code, codes(moved)) == (1, ["environment-loosened"])
    (reason,) = moved.admission.reasons
    assert "verdict_max_age 24h -> 7d, refuses_evidence skipped -> nothing" in reason.text
    assert not verify(delivery.site(), delivery.v2, now=intent().now).accepted


def test_an_approval_lets_it_and_is_what_the_next_is_held_against(delivery: Delivery) -> None:
    loosen(delivery)
    name = approved(delivery, WHY)
    moved = promoted(delivery, delivery.v2)
    assert moved.written
    assert moved.entry is not None
    assert name in moved.entry.relied_on.evidence
    assert moved.entry.terms == delivery.site().environment.terms
    decide(delivery, delivery.v1, delivery.v2)
    assert promoted(delivery, delivery.v1).written


def test_an_approval_of_other_terms_is_none(delivery: Delivery) -> None:
    loosen(delivery)
    approved(delivery, WHY)
    write(delivery.root / "manifests/environments/local.yaml", LOCAL + "verdict_max_age: 30d\n")
    assert codes(promoted(delivery, delivery.v2)) == ["environment-loosened"]
    loosen(delivery)
    approved(delivery, WHY, environment="prod")
    assert promoted(delivery, delivery.v2).written  # by the first one


def test_an_approval_of_terms_is_none_of_a_policy(delivery: Delivery) -> None:
    loosen(delivery)
    approved(delivery, WHY)
    before = PastPolicy(policy=document(delivery))
    write(delivery.root / FILE, POLICY.replace("0.5", "0.4"))
    easier = (Loosened(rule="quality.resolved_rate_min", what="limit", before="0.5", after="0.4"),)
    held = Inputs(policy=document(delivery), before=before)
    delivery.decide(delivery.v2, delivery.v1, inputs=held, loosened=easier)
    moved = promoted(delivery, delivery.v2)
    assert moved.entry is not None
    strict = decided_before(delivery.site(), moved.entry)
    assert strict is not None
    assert strict.value.model_dump(mode="json", exclude_unset=True) == before.policy


def test_what_asks_for_more_needs_nobody(delivery: Delivery) -> None:
    loosen(delivery, STRICT.replace("24h", "12h"))
    with pytest.raises(UsageError, match="nothing to approve of"):
        approved(delivery, WHY)
    moved = promoted(delivery, delivery.v2)
    assert moved.entry is not None
    assert moved.entry.terms is not None
    assert moved.entry.terms.verdict_max_age == "12h"


def test_a_rollback_does_not_take_over_what_nobody_approved_of(delivery: Delivery) -> None:
    decide(delivery, delivery.v2, delivery.v1)
    assert promoted(delivery, delivery.v2).written
    write(delivery.root / "manifests/environments/local.yaml", LENIENT)
    moved = rollback(delivery.site(), intent(), delivery.signer())
    assert moved.written
    assert moved.entry is not None
    assert moved.entry.terms is not None
    assert moved.entry.terms.verdict_max_age == "24h"
    decide(delivery, delivery.v2, delivery.v1)
    assert codes(promoted(delivery, delivery.v2)) == ["environment-loosened"]


def test_entries_of_a_version_that_kept_no_terms_read_and_are_written_as_they_were(
    delivery: Delivery,
) -> None:
    moved = promoted(delivery, delivery.v1)
    assert moved.unchanged
    decide(delivery, delivery.v2, delivery.v1)
    entry = promoted(delivery, delivery.v2).entry
    assert entry is not None
    old = entry.model_copy(update={"terms": None}).model_dump(mode="json")
    assert "terms" not in old
    assert LedgerEntry.model_validate_json(json.dumps(old)).terms is None


def test_people_see_what_an_environment_asks_less_of(
    delivery: Delivery,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    golden: Callable[[Path, str], None],
) -> None:
    monkeypatch.chdir(delivery.root)
    monkeypatch.setenv("GATEKEEPER_ACTOR", "ada")
    loosen(delivery)
    told = []
    for words in (
        ["policy", "diff", "env:local", FILE],
        ["promote", delivery.v2, "--env", "local"],
        ["policy", "approve", FILE, "--release", delivery.v2, "--reason", "no runs in winter"],
        ["promote", delivery.v2, "--env", "local"],
    ):
        capsys.readouterr()
        code = guarded(lambda words=words: run(words), words)
        told.append(f"$ gatekeeper {' '.join(words)}\n{capsys.readouterr().out}exit {code}\n")
    text = "\n".join(told).replace(delivery.v2[7:], "V2").replace(delivery.v2[7:19], "V2")
    text = text.replace(delivery.v1[7:19], "V1")
    digest = applied(delivery).value and delivery.policy[7:19]
    golden(GOLDEN / "terms.txt", text.replace(digest, "POLICY"))


kinds = st.lists(
    st.sampled_from(["imported", "cached", "drifted", "skipped"]), unique=True, max_size=4
)
terms = st.builds(
    Terms,
    accepts_development_keys=st.booleans(),
    allow_unpinned_models=st.booleans(),
    verdict_max_age=st.sampled_from(["24h", "1d", "7d", "90s"]),
    refuses_evidence=kinds.map(tuple),
    regions=st.lists(st.sampled_from(["eu", "us"]), unique=True).map(tuple),
    policy=st.sampled_from([None, "gates/a.yaml", "gates/b.yaml"]),
    policy_digest=st.sampled_from([None, "sha256:" + "1" * 64]),
)


@settings(max_examples=100, deadline=None)
@given(terms, terms)
def test_every_change_asks_less_in_one_direction(one: Terms, other: Terms) -> None:
    there, back = (list(terms_changes("prod", *pair)) for pair in ((one, other), (other, one)))
    assert len(there) == len(back)
    assert len(terms_eased("prod", one, other)) + len(terms_eased("prod", other, one)) == len(there)
    assert list(terms_changes("prod", one, one)) == []


def test_whatever_an_environment_asks_is_compared() -> None:
    told = {"name", "description", "ledger", "policy_parameters", "apiVersion", "kind"}
    assert set(Environment.model_fields) == set(Terms.model_fields) | told
