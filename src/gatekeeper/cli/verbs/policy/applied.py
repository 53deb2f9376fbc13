"""Composition: policies by file, or as what is stable in an environment was decided by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gatekeeper.errors import UndecidedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatekeeper.adapters.evalsets import LoadedSet
    from gatekeeper.adapters.project import Project
    from gatekeeper.cli.session import Session
    from gatekeeper.core.policy.diff import Change
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


def sets_named(
    session: Session, paths: Sequence[Path], release: str | None
) -> tuple[LoadedSet, ...]:
    """The eval sets in some files, or those that the manifest of a release names.

    Raises:
        UsageError: Both are given, or one is not there.
        InputError: Something is wrong with a set.
    """
    from gatekeeper.adapters.evalsets import open_set
    from gatekeeper.cli.eval_sets import sets_of
    from gatekeeper.cli.evaluations import entrant
    from gatekeeper.cli.wiring import resolve_ref

    if paths and release:
        raise UsageError("--set and --release exclude each other", fix="leave one of them out")
    project = session.project
    if release is not None:
        _, record = entrant(project, resolve_ref(session, release))
        return sets_of(project, record.evaluation.sets, ())
    there = [path if path.exists() else project.root / path for path in paths]
    return tuple(open_set(project, path) for path in there)


def with_sets(project: Project, policy: Policy, sets: Sequence[LoadedSet]) -> Policy:
    """A policy as it would decide by these eval sets, and by the prices of today if there are."""
    from gatekeeper.cli.pipelines import PRICES, prices_of
    from gatekeeper.core.asking import asked_of
    from gatekeeper.core.policy.basis import Basis

    asked = {one.header.name: asked_of(one.header, one.digest, one, len(one)) for one in sets}
    digests = {name: one.digest for name, one in asked.items()}
    prices = prices_of(project).models if (project.root / PRICES).exists() else {}
    return replace(policy, basis=Basis(digests, asked, prices))


def terms_between(project: Project, reference: str) -> tuple[Change, ...]:
    """What the settings of ``env:NAME`` ask, against what they asked when it was promoted to."""
    from gatekeeper.cli.environments import site_of
    from gatekeeper.core.terms import terms_changes
    from gatekeeper.ops import ledger

    if not reference.startswith(PREFIX):
        return ()
    site = site_of(project, reference.removeprefix(PREFIX))
    head = ledger.head(site)
    before = head.entry.terms if head else None
    return tuple(terms_changes(site.name, before, site.environment.terms)) if before else ()


def policy_before(site: Site) -> Policy | None:
    """The policy that decided what is stable in an environment.

    None where nothing is, or where it was decided by a version that kept no policies.

    Raises:
        IntegrityError: The ledger is not sound, or the verdict that it relies on is not there.
    """
    from gatekeeper.ops import ledger
    from gatekeeper.ops.demands import decided_before

    head = ledger.head(site)
    return decided_before(site, head.entry) if head else None
