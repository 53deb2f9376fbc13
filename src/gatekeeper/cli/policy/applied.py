"""Composition: policies by file, or as what is stable in an environment was decided by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from gatekeeper.errors import UndecidedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatekeeper.adapters.project import Project
    from gatekeeper.ops.policy import Policy
    from gatekeeper.ops.site import Site

PREFIX: Final = "env:"


def policy_named(project: Project, reference: str, parameters: Mapping[str, float]) -> Policy:
    """The policy in a file, or under ``env:NAME`` the one that decided what is stable there.

    Raises:
        UsageError: There is no such file or environment.
        InputError: Something is wrong with the policy.
        UndecidedError: Nothing is stable there, or what decided it is not known any more.
    """
    from gatekeeper.cli.environments import site_of
    from gatekeeper.cli.gates import policy_of

    if not reference.startswith(PREFIX):
        return policy_of(project, Path(reference), parameters)
    name = reference.removeprefix(PREFIX)
    found = policy_before(site_of(project, name))
    if found is None:
        raise UndecidedError(
            "no verdict that holds its policy decided what is stable here",
            where=name,
            fix="name a file, or promote a release on a verdict of this version first",
        )
    return found


def policy_before(site: Site) -> Policy | None:
    """The policy that decided what is stable in an environment.

    None where nothing is, or where it was decided by a version that kept no policies.

    Raises:
        IntegrityError: The ledger is not sound, or the verdict that it relies on is not there.
    """
    from gatekeeper.ops import ledger
    from gatekeeper.ops.loosening import decided_before

    head = ledger.head(site)
    return decided_before(site, head.entry) if head else None
