"""May this release be served in this environment, and if not, why: every reason at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.core.admission import Admission, Reason
from gatekeeper.errors import GatekeeperError, IntegrityError
from gatekeeper.model.statement import RELEASE_SIGNATURE, VERDICT
from gatekeeper.ops import loosening
from gatekeeper.ops.evidence import statements
from gatekeeper.ops.verdict_reasons import hidden, newest, no_verdict, unreliable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from gatekeeper.model.ledger import LedgerEntry
    from gatekeeper.model.release import Release
    from gatekeeper.ops.evidence import Statements
    from gatekeeper.ops.site import Site


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
        return Admission(digest, reasons=(Reason.of("content", error),))
    reasons = [
        *_signed(signatures),
        *_allowed(site, release),
        *_models(site, release),
    ]
    evidence, notes = newest(verdicts)
    active = head.state.stable.release if head else None
    if verdict and evidence is None:
        reasons.append(no_verdict(verdicts, release, active))
    approvals: tuple[str, ...] = ()
    if verdict and evidence is not None:
        reasons += unreliable(site, release, evidence.verdict, active, now)
        reasons += hidden(site, digest, evidence.verdict)
        easier, approvals = loosening.of_policy(site, evidence.verdict, head)
        reasons += easier
    if verdict:
        easier, more = loosening.of_terms(site, digest, head)
        reasons += easier
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
        yield Reason.of("models", error)
