"""Which verdict on a release counts in an environment, and why a promotion cannot rest on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.core.admission import Evidence, Reason
from gatekeeper.core.canonical import short
from gatekeeper.core.wording import counted, first_of, listed
from gatekeeper.errors import GatekeeperError, IntegrityError
from gatekeeper.model.statement import VERDICT
from gatekeeper.ops.evidence import read_verdict
from gatekeeper.ops.loosening import gate_again
from gatekeeper.ops.soundness import CLOCK_SKEW

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from gatekeeper.model.release import Release
    from gatekeeper.model.verdict import Verdict
    from gatekeeper.ops.evidence import Statements
    from gatekeeper.ops.site import Site

SHOWN: Final = 3
"""Rules of a verdict that a reason names."""


def newest(verdicts: Statements) -> tuple[Evidence | None, tuple[str, ...]]:
    """The verdict that counts: the last one decided, of those that are signed as they must be."""
    found = []
    notes = list(verdicts.refused) if verdicts.counted else []
    for name, signed in verdicts.counted:
        if verdict := read_verdict(signed):
            found.append(Evidence(verdict, name, signed.key))
        else:
            notes.append(f"statement {short(name)}: no verdict that this version understands")
    newest = max(found, key=lambda one: (one.verdict.decided, one.digest), default=None)
    return newest, (*notes, *_tried_before(newest, found))


def _tried_before(newest: Evidence | None, found: Sequence[Evidence]) -> Iterator[str]:
    """Other runs that the same policy did not pass: who asks often enough is lucky once."""
    if newest is None or newest.verdict.outcome != "pass":
        return
    verdict = newest.verdict
    earlier = {
        one.verdict.run: one.verdict.outcome
        for one in sorted(found, key=lambda one: one.verdict.decided)
        if one.verdict.policy == verdict.policy and one.verdict.run != verdict.run
    }
    bad = [f"run {run}: {outcome}" for run, outcome in earlier.items() if outcome != "pass"]
    if bad:
        yield (
            f"{counted(len(bad), 'other run')} of this release that the same policy did not pass"
            f" ({first_of(bad, SHOWN)})"
        )


def hidden(site: Site, digest: str, counted: Verdict) -> Iterator[Reason]:
    """Later verdicts that did not pass, and that the index of the store does not name any more."""
    if counted.outcome != "pass":
        return
    for bundle in site.releases.unlisted(digest, VERDICT):
        found = _signed_verdict(site, digest, bundle)
        if found and found.outcome != "pass" and found.decided > counted.decided:
            yield Reason(
                "verdict-hidden",
                f"a later verdict on it, {found.outcome} on run {found.run}, is in the store, and"
                " its index does not name it",
                refused=True,
                fix=f"gatekeeper gate {found.run} decides it again; or restore the store",
            )


def _signed_verdict(site: Site, digest: str, bundle: bytes) -> Verdict | None:
    """What a key of the gate signed; None where none did."""
    try:
        signed = site.verifier.verify(bundle, role="gate", predicate_type=VERDICT, subject=digest)
    except IntegrityError:
        return None
    return read_verdict(signed)


def no_verdict(verdicts: Statements, release: Release, active: str | None) -> Reason:
    """Why there is no verdict that counts."""
    fix = _evaluate(release, active)
    if verdicts.refused:
        text = "its verdict does not count here: " + "; ".join(verdicts.refused)
        return Reason("verdict-refused", text, refused=True, fix=fix)
    return Reason("verdict-absent", "it has no verdict", refused=False, fix=fix)


def _evaluate(release: Release, active: str | None) -> str:
    baseline = f" --baseline sha256:{short(active)}" if active else ""
    return f"gatekeeper evaluate {release.name}@sha256:{short(release.digest)}{baseline}"


def unreliable(
    site: Site, release: Release, verdict: Verdict, active: str | None, now: datetime
) -> Iterator[Reason]:
    """Why a promotion cannot rest on a verdict: what it is about, says, and was decided by.

    Args:
        site: The environment.
        release: That is to be promoted.
        verdict: On it.
        active: Digest of what is stable there now, with which it must have been compared.
        now: The moment, for its age.
    """
    again = _evaluate(release, active)
    if verdict.release != release.digest:
        yield Reason(
            "verdict-other", f"its verdict is about {verdict.release}", refused=True, fix=again
        )
    if verdict.outcome != "pass":
        yield Reason(
            f"verdict-{verdict.outcome}",
            f"its verdict is {verdict.outcome}: {_rules(verdict)}",
            refused=verdict.outcome == "fail",
            fix=f"gatekeeper gate {verdict.run} shows every rule",
        )
    if verdict.baseline != active:
        compared = f"sha256:{short(verdict.baseline)}" if verdict.baseline else "nothing"
        serving = f"sha256:{short(active)} is stable" if active else "nothing is stable yet"
        yield Reason(
            "verdict-baseline",
            f"its verdict compares it with {compared}, but in {site.name} {serving}",
            refused=False,
            fix=again,
        )
    if verdict.unasked:
        yield Reason(
            "verdict-unasked",
            f"its run did without eval sets that its manifest names: {listed(verdict.unasked)}",
            refused=False,
            fix=f"{again}, without --set",
        )
    for kind, clause in verdict.indirect.items():
        if kind in site.environment.refuses_evidence:
            yield Reason(
                f"verdict-{kind}",
                f"its verdict rests on {clause}, which {site.name} does not accept",
                refused=True,
                fix=again + (" --no-cache" if kind == "cached" else ""),
            )
    yield from _policy(site, release, verdict)
    yield from _age(site, verdict, now, again)


def _rules(verdict: Verdict) -> str:
    rules = [
        f"{one.rule} ({one.reason})" for one in verdict.rules if one.outcome == verdict.outcome
    ]
    return first_of(rules, SHOWN) or "no rule was decided"


def _policy(site: Site, release: Release, verdict: Verdict) -> Iterator[Reason]:
    try:
        wanted = site.policy(release.digest)
    except GatekeeperError as error:
        yield Reason.of("policy", error)
        return
    if wanted is None:
        yield Reason(
            "policy-unnamed",
            f"neither its manifest nor {site.name} says which gate policy it has to meet",
            refused=False,
            fix="name one: `evaluation.policy` in the manifest, or `policy` of the environment",
        )
    elif wanted != verdict.policy:
        yield Reason(
            "verdict-policy",
            f"its verdict was decided by policy {verdict.policy_name}@sha256:"
            f"{short(verdict.policy)}, but {site.name} asks for sha256:{short(wanted)}",
            refused=False,
            fix=_by_the_policy_asked_for(site, verdict),
        )


def _by_the_policy_asked_for(site: Site, verdict: Verdict) -> str:
    """How to decide by it: without --policy, a run is decided by what it was asked to be."""
    if site.environment.policy:
        return f"{gate_again(site, verdict)} decides again by that"
    file = "FILE, with what `evaluation.policy` of the manifest named at its build"
    return f"{gate_again(site, verdict)} --policy {file}, decides again by that"


def _age(site: Site, verdict: Verdict, now: datetime, again: str) -> Iterator[Reason]:
    measured = min(verdict.ended or verdict.decided, verdict.decided)
    if max(measured, verdict.decided) > now + CLOCK_SKEW:
        text = f"its verdict is dated in the future: {verdict.decided:%Y-%m-%d %H:%M} UTC"
        yield Reason(
            "verdict-future", text, refused=False, fix="set the clock right, then " + again
        )
    elif now - measured > site.environment.max_age:
        yield Reason(
            "verdict-stale",
            f"its verdict is stale: measured {measured:%Y-%m-%d %H:%M} UTC,"
            f" but {site.name} accepts {site.environment.verdict_max_age} at most",
            refused=False,
            fix=again,
        )
