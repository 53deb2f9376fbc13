"""Composition: a policy with what a person gives it when it is applied."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatekeeper.cli.session import Session
    from gatekeeper.model.facts import Facts
    from gatekeeper.model.verdict import Skip
    from gatekeeper.ops.policy import Policy

ParameterOption = Annotated[
    list[str] | None,
    typer.Option("--parameter", help="A parameter of the policy: allowed_delta=0.02."),
]
WhatIfOption = Annotated[
    list[str] | None,
    typer.Option(
        "--what-if",
        metavar="RULE=LIMIT",
        help="Try another limit: quality.resolved_rate_min=0.8. Nothing is kept. Repeatable.",
        show_default=False,
    ),
]
SkipOption = Annotated[
    list[str] | None,
    typer.Option(
        "--skip",
        metavar="RULE",
        help="Leave a rule out that the policy calls skippable; with --reason. Repeatable.",
        show_default=False,
    ),
]
SkipReasonOption = Annotated[
    str, typer.Option("--reason", help="Why rules are skipped; kept in the verdict.")
]
FactsOption = Annotated[
    Path | None,
    typer.Option("--facts", help="The file of declared facts, in place of the policy's."),
]


@dataclass(frozen=True, slots=True)
class Given:
    """What was given on the command line.

    Attributes:
        what_if: ``RULE=LIMIT``.
        skip: Names of rules.
        reason: Why they are skipped.
        actor: Who skips them; None for whoever runs this.
        facts: A file.
    """

    what_if: Sequence[str] = ()
    skip: Sequence[str] = ()
    reason: str = ""
    actor: str | None = None
    facts: Path | None = None


def with_given(session: Session, policy: Policy, given: Given, environment: str) -> Policy:
    """The policy with all of it, beside the one that decided what is stable.

    Raises:
        UsageError: A limit is no number, or nobody says why a rule is skipped.
        InputError: A rule is not there, or may not be changed so; or the facts are not right.
    """
    from gatekeeper.core.policy.use import refuse_limits, refuse_skips

    limits, skips = _limits(given.what_if), _skips(given)
    facts = facts_given(session, given.facts) if given.facts else policy.facts
    found = replace(
        policy, limits=limits, skips=skips, facts=facts, facts_given=given.facts is not None
    )
    refuse_skips(found.rules, skips)
    refuse_limits(found.rules, limits, found.metrics)
    return replace(found, before=beside(session, environment))


def facts_given(session: Session, file: Path) -> Facts:
    """The facts in a file; raises `UsageError` or `InputError` where there are none."""
    from gatekeeper.adapters.facts import read_facts

    project = session.project
    return read_facts(file if file.exists() else project.root / file, project).value


def beside(session: Session, environment: str) -> Policy | None:
    """The policy that decided what is stable in an environment; None where that is not known.

    What is wrong there is for `status` and `history` to say, and keeps nothing from being decided:
    a promotion asks for a verdict that was decided beside that policy.
    """
    from gatekeeper.cli.environments import site_of
    from gatekeeper.cli.verbs.policy.applied import policy_before
    from gatekeeper.errors import GatekeeperError

    if not session.project.environment_file(environment).exists():
        return None
    try:
        found = policy_before(site_of(session.project, environment))
        if found is not None:
            found.rules  # noqa: B018 - a policy of another version can name what is not here
    except (GatekeeperError, ValueError) as error:
        session.note(f"the policy that decided what is stable in {environment} is not known")
        session.note(str(error))
        return None
    return found


def _limits(words: Sequence[str]) -> Mapping[str, float]:
    from gatekeeper.cli.gates import numbers_of

    return numbers_of(words, "--what-if", "quality.resolved_rate_min=0.8")


def _skips(given: Given) -> dict[str, Skip]:
    from gatekeeper.cli.environments import actor, kept
    from gatekeeper.model.verdict import Skip

    if given.reason and not given.skip:
        raise UsageError("gives a reason for nothing", where="--reason", fix="leave it out")
    if not given.skip:
        return {}
    if not given.reason.strip():
        raise UsageError(
            f"nobody says why {', '.join(given.skip)} is skipped",
            where="--skip",
            fix="give --reason TEXT; it is kept in the verdict",
        )
    skip = Skip(by=actor(given.actor), reason=kept(given.reason, "--reason"))
    return dict.fromkeys(given.skip, skip)
