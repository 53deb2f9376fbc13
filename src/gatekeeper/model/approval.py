"""Somebody's word that a release may be promoted by a policy that demands less than before."""

from __future__ import annotations

from typing import Literal

from gatekeeper.model.base import Digest, Frozen, ShortText
from gatekeeper.model.moment import Moment
from gatekeeper.model.verdict import Loosened


class PolicyApproval(Frozen):
    """The predicate of a statement about a release.

    It holds for these two policies only, and where it names eval sets, prices and facts, for these.
    """

    schema_version: Literal[1] = 1
    policy: Digest
    """The policy that the release is promoted by, with its parameters."""
    before: Digest
    """The policy that decided what was stable."""
    decided_on: Digest | None = None
    """Of the eval sets, prices and facts that are approved of, where they are others too."""
    terms: Digest | None = None
    """Of what the environment asks, where that is less than before, too."""
    environment: str
    loosened: tuple[Loosened, ...]
    actor: ShortText
    reason: ShortText
    time: Moment
