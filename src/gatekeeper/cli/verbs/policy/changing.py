"""Composition: a gate policy as it is, against what its file held at a commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.errors import GatekeeperError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatekeeper.adapters.project import Project
    from gatekeeper.core.review import PolicyChange


def change_of(
    project: Project, base: str, file: str, parameters: Mapping[str, float]
) -> PolicyChange:
    """What a policy demands less of than it did at a commit, or why that is not known."""
    from gatekeeper.adapters.git import Checkout
    from gatekeeper.adapters.policies import policy_at
    from gatekeeper.cli.gates import policy_of
    from gatekeeper.core.policy.diff import loosened
    from gatekeeper.core.review import PolicyChange
    from gatekeeper.ops.policy import Policy

    text = Checkout.at(project.root).text(base, file)
    if not text:
        return PolicyChange(file, unclear="it is new")
    try:
        before = Policy(policy_at(text, file), parameters)
        after = policy_of(project, project.root / file, parameters)
        return PolicyChange(file, loosened(before, after))
    except GatekeeperError as error:
        return PolicyChange(file, unclear=str(error))
