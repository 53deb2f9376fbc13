"""Signed statements about a release, and the verdict that a ledger entry relied on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import ValidationError

from gatekeeper.core.admission import Evidence
from gatekeeper.core.canonical import short
from gatekeeper.errors import IntegrityError
from gatekeeper.model.approval import PolicyApproval
from gatekeeper.model.statement import VERDICT
from gatekeeper.model.verdict import Verdict

if TYPE_CHECKING:
    from gatekeeper.model.keyring import KeyRole
    from gatekeeper.ops.site import Site
    from gatekeeper.ports import Signed


@dataclass(slots=True)
class Statements:
    """The statements of one kind, sorted by whether they count."""

    counted: list[tuple[str, Signed]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def relied_on(site: Site, digest: str, wanted: str) -> Evidence:
    """The verdict that a ledger entry relied on.

    Its key may have ended since: the entry, signed by another, vouches for it.

    Args:
        site: The environment.
        digest: The release.
        wanted: Digest of the statement.

    Raises:
        IntegrityError: It is not there, not signed by a key of the gate, or not readable.
    """
    for name, bundle in site.releases.referrers(digest, VERDICT):
        if name == wanted:
            signed = site.verifier.verify(
                bundle, role="gate", predicate_type=VERDICT, subject=digest, lapsed=True
            )
            if verdict := read_verdict(signed):
                return Evidence(verdict, name, signed.key)
            raise IntegrityError(f"the verdict that the ledger relies on ({wanted}) is unreadable")
    raise IntegrityError(
        f"the verdict that the ledger relies on ({wanted}) is not in the store",
        where=f"{site.name}: release {digest}",
        fix="restore the store from a copy",
    )


def read_verdict(signed: Signed) -> Verdict | None:
    """The verdict in a statement; None where this version cannot read it."""
    try:
        return Verdict.model_validate_json(json.dumps(signed.statement.predicate))
    except ValidationError:
        return None


def read_approval(signed: Signed) -> PolicyApproval | None:
    """The approval in a statement; None where this version cannot read it."""
    try:
        return PolicyApproval.model_validate_json(json.dumps(signed.statement.predicate))
    except ValidationError:
        return None


def statements(site: Site, digest: str, predicate_type: str, role: KeyRole) -> Statements:
    """The statements of one kind about a release, as the environment's keys have it."""
    found = Statements()
    for name, bundle in site.releases.referrers(digest, predicate_type):
        try:
            signed = site.verifier.verify(
                bundle, role=role, predicate_type=predicate_type, subject=digest
            )
        except IntegrityError as error:
            found.refused.append(f"statement {short(name)}: {error.what}")
        else:
            found.counted.append((name, signed))
    return found
