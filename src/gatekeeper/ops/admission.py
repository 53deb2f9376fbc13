"""May this release be served in this environment, and if not, why: every reason at once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from gatekeeper.core.admission import Admission, Evidence, Reason
from gatekeeper.core.canonical import short
from gatekeeper.core.wording import counted, listed
from gatekeeper.errors import GatekeeperError, IntegrityError, RefusedError
from gatekeeper.model.statement import RELEASE_SIGNATURE, VERDICT
from gatekeeper.ops.evidence import read_verdict, statements
from gatekeeper.ops.loosening import gate_again, judged, on_terms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from gatekeeper.model.ledger import LedgerEntry
    from gatekeeper.model.release import Release
    from gatekeeper.model.verdict import Verdict
    from gatekeeper.ops.evidence import Statements
    from gatekeeper.ops.site import Site

CLOCK_SKEW: Final = timedelta(minutes=5)
SHOWN: Final = 3
"""Rules of a verdict that a reason names."""


def examine(
    site: Site,
    digest: str,
    *,
    head: LedgerEntry | None,
    now: datetime,
    verdict: bool = True,
) -> Admission:
    """Everything that a release has to meet before it becomes active.

    Args:
        site: The environment.
        digest: The release.
        head: The last entry there: the verdict must have compared with what it made stable.
        now: The moment, for the age of the verdict.
        verdict: Whether a fresh verdict is needed; not for what was stable there before.
    """
    try:
        release = site.releases.load(digest)
        signatures = statements(site, digest, RELEASE_SIGNATURE, "release")
        verdicts = statements(site, digest, VERDICT, "gate")
    except IntegrityError as error:
        return Admission(digest, reasons=(_reason("content", error),))
    reasons = [
        *_signed(signatures),
        *_allowed(site, release),
        *_models(site, release),
    ]
    evidence, notes = _newest(verdicts)
    active = head.state.stable.release if head else None
    if verdict and evidence is None:
        reasons.append(_no_verdict(verdicts, release, active))
    approvals: tuple[str, ...] = ()
    if verdict and evidence is not None:
        reasons += _verdict(site, release, evidence.verdict, active, now)
        reasons += _hidden(site, digest, evidence.verdict)
        loosening, approvals = judged(site, evidence.verdict, head)
        reasons += loosening
    if verdict:
        easing, more = on_terms(site, digest, head)
        reasons += easing
        approvals += tuple(one for one in more if one not in approvals)
    return Admission(
        digest,
        release,
        tuple(found for found, _ in signatures.counted),
        tuple(signed.key for _, signed in signatures.counted),
        evidence,
        tuple(reasons),
        (*(signatures.refused if signatures.counted else ()), *notes),
        approvals,
    )


def _signed(signatures: Statements) -> Iterator[Reason]:
    if signatures.counted:
        return
    if signatures.refused:
        text = "its signature does not count here: " + "; ".join(signatures.refused)
    else:
        text = "it is not signed"
    fix = "build it where a release key is that this environment accepts"
    yield Reason("signature", text, refused=True, fix=fix)


def _allowed(site: Site, release: Release) -> Iterator[Reason]:
    """What the environment and the release say about each other."""
    settings = site.environment
    unpinned = sorted(
        name for name, model in release.components.model.models.items() if not model.pinned
    )
    if unpinned and not settings.allow_unpinned_models:
        yield Reason(
            "unpinned",
            f"its model {', '.join(unpinned)} is hosted elsewhere and can change at any time",
            refused=True,
            fix="pin the model, or set `allow_unpinned_models: true` for this environment",
        )
    allowed = release.governance.data_residency
    outside = [region for region in settings.regions if region not in allowed]
    if allowed and (outside or not settings.regions):
        regions = ", ".join(settings.regions) or "regions that its settings do not name"
        yield Reason(
            "residency",
            f"it has to stay in {', '.join(allowed)}, but {settings.name} serves in {regions}",
            refused=True,
            fix="serve it elsewhere, or say where this environment is: `regions`",
        )


def _models(site: Site, release: Release) -> Iterator[Reason]:
    try:
        site.check_models(release)
    except GatekeeperError as error:
        yield _reason("models", error)


def _reason(code: str, error: GatekeeperError) -> Reason:
    text = f"{error.where}: {error.what}" if error.where else error.what
    return Reason(code, text, refused=isinstance(error, RefusedError), fix=error.fix)


def _newest(verdicts: Statements) -> tuple[Evidence | None, tuple[str, ...]]:
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
        more = f" and {len(bad) - SHOWN} more" if bad[SHOWN:] else ""
        yield (
            f"{counted(len(bad), 'other run')} of this release that the same policy did not pass"
            f" ({', '.join(bad[:SHOWN])}{more})"
        )


def _hidden(site: Site, digest: str, counted: Verdict) -> Iterator[Reason]:
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


def _no_verdict(verdicts: Statements, release: Release, active: str | None) -> Reason:
    fix = _evaluate(release, active)
    if verdicts.refused:
        text = "its verdict does not count here: " + "; ".join(verdicts.refused)
        return Reason("verdict-refused", text, refused=True, fix=fix)
    return Reason("verdict-absent", "it has no verdict", refused=False, fix=fix)


def _evaluate(release: Release, active: str | None) -> str:
    baseline = f" --baseline sha256:{short(active)}" if active else ""
    return f"gatekeeper evaluate {release.name}@sha256:{short(release.digest)}{baseline}"


def _verdict(
    site: Site, release: Release, verdict: Verdict, active: str | None, now: datetime
) -> Iterator[Reason]:
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
    more = f" and {len(rules) - SHOWN} more" if rules[SHOWN:] else ""
    return ", ".join(rules[:SHOWN]) + more or "no rule was decided"


def _policy(site: Site, release: Release, verdict: Verdict) -> Iterator[Reason]:
    try:
        wanted = site.policy(release.digest)
    except GatekeeperError as error:
        yield _reason("policy", error)
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
            fix=f"{gate_again(site, verdict)} decides again by the current policy",
        )


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
