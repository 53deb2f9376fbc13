"""Composition: which file of the project a verdict was decided by."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from gatekeeper.errors import GatekeeperError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatekeeper.adapters.project import Project
    from gatekeeper.model.policy import AnyPolicy
    from gatekeeper.model.run import Run
    from gatekeeper.model.verdict import Verdict

_GATES: Final = "gates"
_ENDINGS: Final = frozenset({".yaml", ".yml", ".json"})


def policy_file_of(project: Project, run: Run, verdict: Verdict) -> Path | None:
    """The file that a verdict on a run was decided by, or one of that name where it was changed.

    A verdict holds the policy and not its path: the run, the release's manifest and `gates/` are
    asked in that order, and None means that none of them has it.
    """
    from gatekeeper.core.policy.forms import policy_digest, policy_name

    found = list(_policies(project, run))
    for path, policy in found:
        given = run.options.parameters
        if verdict.policy in {policy_digest(policy), policy_digest(policy, given)}:
            return path
    named = (path for path, policy in found if policy_name(policy) == verdict.policy_name)
    return next(named, None)


def _policies(project: Project, run: Run) -> Iterator[tuple[Path, AnyPolicy]]:
    """Every policy that can be read, each file once."""
    from gatekeeper.adapters.policies import read_policy

    for path in dict.fromkeys(_paths(project, run)):
        try:
            yield path, read_policy(path, project).value
        except (GatekeeperError, OSError):
            continue


def _paths(project: Project, run: Run) -> Iterator[Path]:
    from gatekeeper.cli.gates import deciding_policy

    with suppress(GatekeeperError):  # imported runs are of releases that are not here
        yield deciding_policy(project, run.options, run.candidate.digest)
    gates = project.root / _GATES
    yield from sorted(path for path in gates.glob("*") if path.suffix in _ENDINGS)
