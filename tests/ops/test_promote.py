from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from builders import write
from delivery import Delivery, failing, intent, make_delivery, revoke
from gatekeeper.cli.wiring import keys_of, store_of
from gatekeeper.errors import IntegrityError, LostRaceError
from gatekeeper.model.components import Governance, Model, PinnedModel
from gatekeeper.model.run import RunSource
from gatekeeper.model.statement import RELEASE_SIGNATURE, VERDICT
from gatekeeper.model.verdict import Skip
from gatekeeper.ops import ledger
from gatekeeper.ops.history import history
from gatekeeper.ops.promote import promote

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.core.admission import Moved
    from gatekeeper.model.release import Release

NOW = datetime.now(UTC)


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    return make_delivery(tmp_path)


def promoted(delivery: Delivery, release: str, environment: str = "local", **changes: Any) -> Moved:
    site = delivery.site(environment)
    return promote(site, release, intent(**changes), delivery.signer())


def codes(moved: Moved) -> list[str]:
    return [reason.code for reason in moved.admission.reasons]


def settings(delivery: Delivery, **changes: str) -> None:
    """Write the settings of `local` with more lines."""
    lines = {
        "apiVersion": "gatekeeper/v1",
        "kind": "Environment",
        "name": "local",
        "accepts_development_keys": "true",
        **changes,
    }
    text = "".join(f"{key}: {value}\n" for key, value in lines.items())
    write(delivery.root / "manifests/environments/local.yaml", text)


def test_a_passing_release_becomes_stable(delivery: Delivery) -> None:
    verdict = delivery.decide(delivery.v1)
    moved = promoted(delivery, delivery.v1, reason="first release")
    assert moved.exit_code == 0
    assert moved.written
    found = ledger.head(delivery.site())
    assert found is not None
    entry = found.entry
    assert (entry.serial, entry.action, entry.actor) == (1, "promote", "ada")
    assert (entry.reason, entry.previous) == ("first release", None)
    assert entry.state.stable.release == delivery.v1
    assert entry.relied_on.verdict == verdict
    assert entry.relied_on.policy == delivery.policy
    signatures = store_of(delivery.project).referrers(delivery.v1, RELEASE_SIGNATURE)
    assert list(entry.relied_on.evidence) == [digest for digest, _ in signatures]


def test_the_next_one_has_to_be_compared_with_what_is_stable(delivery: Delivery) -> None:
    delivery.decide(delivery.v1)
    promoted(delivery, delivery.v1)
    delivery.decide(delivery.v2)
    moved = promoted(delivery, delivery.v2)
    assert (moved.exit_code, codes(moved)) == (3, ["verdict-baseline"])
    delivery.decide(delivery.v2, delivery.v1)
    moved = promoted(delivery, delivery.v2)
    assert moved.exit_code == 0
    assert moved.before == delivery.v1
    assert history(delivery.site()).sound


def test_what_is_stable_already_is_left_alone(delivery: Delivery) -> None:
    delivery.decide(delivery.v1)
    promoted(delivery, delivery.v1)
    moved = promoted(delivery, delivery.v1)
    assert moved.unchanged
    assert moved.exit_code == 0
    assert delivery.site().ledger.head() == 1


def test_a_dry_run_writes_nothing(delivery: Delivery) -> None:
    delivery.decide(delivery.v1)
    moved = promoted(delivery, delivery.v1, dry_run=True)
    assert (moved.exit_code, moved.written) == (0, False)
    assert moved.entry is not None
    assert delivery.site().ledger.head() == 0


def test_nothing_is_promoted_without_a_verdict(delivery: Delivery) -> None:
    moved = promoted(delivery, delivery.v1)
    assert (moved.exit_code, codes(moved)) == (3, ["verdict-absent"])
    assert "gatekeeper evaluate desk@sha256:" in moved.admission.reasons[0].fix
    assert delivery.site().ledger.head() == 0


@pytest.mark.parametrize(
    ("changes", "code", "exit_code"),
    [
        (failing("fail"), "verdict-fail", 1),
        (failing("inconclusive"), "verdict-inconclusive", 3),
        (failing("error"), "verdict-error", 3),
        ({"decided": NOW - timedelta(hours=25)}, "verdict-stale", 3),
        ({"ended": NOW - timedelta(hours=25)}, "verdict-stale", 3),
        ({"decided": NOW + timedelta(hours=1)}, "verdict-future", 3),
        ({"policy": "sha256:" + "9" * 64}, "verdict-policy", 3),
        ({"release": "sha256:" + "9" * 64}, "verdict-other", 1),
        ({"baseline": "sha256:" + "9" * 64}, "verdict-baseline", 3),
    ],
)
def test_a_verdict_that_does_not_carry_it_is_named(
    delivery: Delivery, changes: dict[str, Any], code: str, exit_code: int
) -> None:
    delivery.decide(delivery.v1, **changes)
    moved = promoted(delivery, delivery.v1)
    assert (moved.exit_code, codes(moved)) == (exit_code, [code])
    assert moved.admission.reasons[0].fix
    assert delivery.site().ledger.head() == 0


SKIPPED = failing("skipped")["rules"][0].model_copy(update={"skip": Skip(by="ada", reason="slow")})
INDIRECT: dict[str, dict[str, Any]] = {
    "imported": {"source": RunSource(format="inspect", digest="sha256:" + "2" * 64)},
    "cached": {"cached_calls": 1200},
    "drifted": {"drift": ("the release accepts vllm <0.34, and 0.40 is here",)},
    "skipped": {"rules": (SKIPPED,)},
}


@pytest.mark.parametrize("kind", INDIRECT)
def test_an_environment_can_refuse_evidence_that_was_not_made_for_it(
    delivery: Delivery, kind: str
) -> None:
    delivery.decide(delivery.v1, **INDIRECT[kind])
    settings(delivery, refuses_evidence=f"[{kind}]")
    moved = promoted(delivery, delivery.v1)
    assert (moved.exit_code, codes(moved)) == (1, [f"verdict-{kind}"])
    assert "which local does not accept" in moved.admission.reasons[0].text
    others = ", ".join(other for other in INDIRECT if other != kind)
    settings(delivery, refuses_evidence=f"[{others}]")
    assert promoted(delivery, delivery.v1).exit_code == 0


def test_a_failing_rule_is_named(delivery: Delivery) -> None:
    delivery.decide(delivery.v1, **failing("fail"))
    reason = promoted(delivery, delivery.v1).admission.reasons[0]
    assert reason.text == ("its verdict is fail: quality.resolved_rate_min (resolved 270 of 300)")


def test_the_newest_verdict_counts(delivery: Delivery) -> None:
    delivery.decide(delivery.v1, decided=NOW - timedelta(hours=2), **failing("fail"))
    delivery.decide(delivery.v1, decided=NOW - timedelta(hours=1))
    assert promoted(delivery, delivery.v1, dry_run=True).exit_code == 0
    delivery.decide(delivery.v1, **failing("fail"))
    assert promoted(delivery, delivery.v1).exit_code == 1


def test_who_evaluated_until_it_passed_leaves_a_trace(delivery: Delivery) -> None:
    for hours, run, outcome in ((3, "one", "fail"), (2, "two", "inconclusive")):
        decided = NOW - timedelta(hours=hours)
        delivery.decide(delivery.v1, decided=decided, run=run, **failing(outcome))
    other = "sha256:" + "7" * 64
    delivery.decide(delivery.v1, decided=NOW, run="else", policy=other, **failing("fail"))
    delivery.decide(delivery.v1)
    moved = promoted(delivery, delivery.v1)
    assert moved.exit_code == 0
    (note,) = moved.admission.notes
    assert note.startswith("2 other runs of this release that the same policy did not pass")
    assert note.endswith("(run one: fail, run two: inconclusive)")


@pytest.mark.parametrize("role", ["release", "promote"])
def test_only_a_gate_key_makes_a_verdict(delivery: Delivery, role: Any) -> None:
    delivery.decide(delivery.v1, role=role)
    moved = promoted(delivery, delivery.v1)
    assert (moved.exit_code, codes(moved)) == (1, ["verdict-refused"])
    assert "not as gate" in moved.admission.reasons[0].text


def test_a_verdict_that_cannot_be_read_is_passed_over(delivery: Delivery) -> None:
    from gatekeeper.adapters.signing import sign_statement
    from gatekeeper.model.statement import Statement

    statement = Statement.about(delivery.v1, VERDICT, {"outcome": "pass"})
    bundle = sign_statement(statement, delivery.signer("gate"))
    store_of(delivery.project).attach(delivery.v1, bundle, VERDICT)
    moved = promoted(delivery, delivery.v1)
    assert codes(moved) == ["verdict-absent"]
    assert "no verdict that this version understands" in moved.admission.notes[0]


def test_development_keys_count_only_where_they_are_accepted(delivery: Delivery) -> None:
    delivery.decide(delivery.v1)
    moved = promoted(delivery, delivery.v1, "prod")
    assert (moved.exit_code, codes(moved)) == (1, ["signature", "verdict-refused"])


def test_a_release_nobody_signed_is_refused(delivery: Delivery) -> None:
    index = delivery.project.store / "index.json"
    index.write_text(
        index.read_text().replace('"https://sigstore.dev/cosign/sign/v1"', '"https://x.y"')
    )
    delivery.decide(delivery.v1)
    moved = promoted(delivery, delivery.v1)
    assert (moved.exit_code, codes(moved)) == (1, ["signature"])
    assert moved.admission.reasons[0].text == "it is not signed"


def test_an_altered_blob_is_refused(delivery: Delivery) -> None:
    delivery.decide(delivery.v1)
    release = store_of(delivery.project).load(delivery.v1)
    name = release.component_digests["prompt"].removeprefix("sha256:")
    blob = delivery.project.store / "blobs/sha256" / name
    blob.write_bytes(blob.read_bytes()[:-1] + b"?")
    moved = promoted(delivery, delivery.v1)
    assert (moved.exit_code, codes(moved)) == (1, ["content"])
    assert name in moved.admission.reasons[0].text


def test_an_altered_model_file_is_refused(delivery: Delivery) -> None:
    delivery.decide(delivery.v1)
    weights = delivery.root / "models/tiny/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    moved = promoted(delivery, delivery.v1)
    assert (moved.exit_code, codes(moved)) == (1, ["models"])
    assert "model.safetensors has been altered" in moved.admission.reasons[0].text


def test_every_reason_is_given_at_once(delivery: Delivery) -> None:
    settings(delivery, regions="[us]", verdict_max_age="1h")
    decided = NOW - timedelta(hours=2)
    delivery.decide(delivery.v1, baseline=delivery.v2, decided=decided, **failing("fail"))
    (delivery.root / "models/tiny/model.safetensors").unlink()
    moved = promoted(delivery, delivery.v1)
    assert moved.exit_code == 1
    assert codes(moved) == ["models", "verdict-fail", "verdict-baseline", "verdict-stale"]


def test_a_policy_has_to_be_named_somewhere(delivery: Delivery) -> None:
    digest = delivery.policy
    delivery.decide(delivery.v1)
    settings(delivery, policy="gates/other.yaml")
    moved = promoted(delivery, delivery.v1)
    assert (moved.exit_code, codes(moved)) == (3, ["policy"])
    policy = (delivery.root / "gates/desk.yaml").read_text()
    write(delivery.root / "gates/other.yaml", policy)
    settings(delivery, policy="gates/other.yaml", policy_digest=digest)
    assert promoted(delivery, delivery.v1, dry_run=True).exit_code == 0
    settings(delivery, policy_digest="sha256:" + "9" * 64)
    moved = promoted(delivery, delivery.v1)
    assert "pins sha256:999" in moved.admission.reasons[0].text


def test_a_verdict_by_another_policy_says_how_to_decide_by_the_one_asked_for(
    delivery: Delivery,
) -> None:
    delivery.decide(delivery.v1, policy="sha256:" + "9" * 64)
    (told,) = promoted(delivery, delivery.v1).admission.reasons
    assert "--policy FILE, with what `evaluation.policy` of the manifest named" in told.fix
    write(delivery.root / "gates/other.yaml", (delivery.root / "gates/desk.yaml").read_text())
    settings(delivery, policy="gates/other.yaml")
    (told,) = promoted(delivery, delivery.v1).admission.reasons
    assert told.fix.endswith("--policy gates/other.yaml decides again by that")


class Changed:
    """The store, but for what it says of a release."""

    def __init__(self, delivery: Delivery, **changes: Any) -> None:
        self.store = store_of(delivery.project)
        self.changes = changes
        self.referrers = self.store.referrers
        self.unlisted = self.store.unlisted

    def load(self, digest: str) -> Release:
        return self.store.load(digest).model_copy(update=self.changes)


@pytest.mark.parametrize(
    ("regions", "admitted"), [("[eu]", True), ("[eu, us]", False), ("[us]", False), ("[]", False)]
)
def test_a_release_stays_where_its_data_may_be(
    delivery: Delivery, *, regions: str, admitted: bool
) -> None:
    settings(delivery, regions=regions)
    delivery.decide(delivery.v1)
    site = delivery.site()
    found = Changed(delivery, governance=Governance(data_residency=("eu", "ch")))
    moved = promote(replace(site, releases=found), delivery.v1, intent(), delivery.signer())
    assert codes(moved) == ([] if admitted else ["residency"])


@pytest.mark.parametrize("allowed", [True, False])
def test_a_model_that_can_change_is_refused_unless_it_is_allowed(
    delivery: Delivery, *, allowed: bool
) -> None:
    settings(delivery, allow_unpinned_models=str(allowed).lower())
    delivery.decide(delivery.v1)
    site = delivery.site()
    components = store_of(delivery.project).load(delivery.v1).components
    hosted = Model(models={"small": PinnedModel(pinned=False, endpoint_model="gpt")})
    found = Changed(delivery, components=components.model_copy(update={"model": hosted}))
    moved = promote(replace(site, releases=found), delivery.v1, intent(), delivery.signer())
    assert codes(moved) == ([] if allowed else ["unpinned"])
    assert moved.exit_code == (0 if allowed else 1)


def test_a_revoked_promoter_cannot_promote(delivery: Delivery) -> None:
    delivery.decide(delivery.v1)
    site = revoke(delivery.site(), delivery.signer().key_id)
    with pytest.raises(IntegrityError, match="was revoked"):
        promote(site, delivery.v1, intent(), delivery.signer())
    assert site.ledger.head() == 0


def test_a_gate_key_cannot_promote(delivery: Delivery) -> None:
    delivery.decide(delivery.v1)
    with pytest.raises(IntegrityError, match="may sign as gate, not as promote"):
        promote(delivery.site(), delivery.v1, intent(), delivery.signer("gate"))
    assert delivery.site().ledger.head() == 0


def test_who_loses_the_race_is_told_who_won(delivery: Delivery) -> None:
    delivery.decide(delivery.v1)
    site = delivery.site()
    append = site.ledger.append

    def overtaken(serial: int, entry: bytes) -> None:
        if site.ledger.head() == 0:
            site.ledger.append = append
            promote(site, delivery.v1, intent(actor="bob"), delivery.signer())
        append(serial, entry)

    site.ledger.append = overtaken
    with pytest.raises(LostRaceError, match="lost the race: bob promoted desk@sha256:") as error:
        promote(site, delivery.v1, intent(), delivery.signer())
    assert error.value.exit_code == 3
    assert history(delivery.site()).sound


def test_keys_of_the_delivery_are_development_keys(delivery: Delivery) -> None:
    keyring = keys_of(delivery.project).keyring()
    assert all(key.development for key in keyring.keys)


def unlist(delivery: Delivery, name: str) -> None:
    index = delivery.project.store / "index.json"
    content = json.loads(index.read_text())
    content["manifests"] = [one for one in content["manifests"] if one["digest"] != name]
    index.write_text(json.dumps(content))


def test_a_later_verdict_that_was_taken_out_of_the_index_is_missed(delivery: Delivery) -> None:
    delivery.decide(delivery.v1)
    hidden = delivery.decide(delivery.v1, **failing("fail"))
    unlist(delivery, hidden)
    moved = promoted(delivery, delivery.v1)
    assert (moved.exit_code, codes(moved)) == (1, ["verdict-hidden"])
    assert "fail on run run-1, is in the store" in moved.admission.reasons[0].text
    delivery.decide(delivery.v1)
    assert promoted(delivery, delivery.v1).written  # what was decided since counts


@pytest.mark.parametrize("damage", ["release", "bundle"])
def test_what_nobody_signed_hides_nothing(delivery: Delivery, damage: str) -> None:
    delivery.decide(delivery.v1)
    role: Any = "release" if damage == "release" else "gate"
    hidden = delivery.decide(delivery.v1, role=role, **failing("fail"))
    if damage == "bundle":
        layout = store_of(delivery.project).layout
        layout.path(layout.manifest(hidden).layers[0].digest).unlink()
    unlist(delivery, hidden)
    assert promoted(delivery, delivery.v1).written
