"""`gatekeeper attribute`: which component of a change moved what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.applying import ParameterOption
from gatekeeper.cli.options import MaxTokensOption, MaxUsdOption, RedecidingOption
from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gatekeeper.cli.mixes.bench import MixBench
    from gatekeeper.model.attribution import Attribution


def attribute(
    run: Annotated[str, typer.Argument(help="The run: its id, the beginning of it, or a path.")],
    rule: Annotated[
        list[str] | None,
        typer.Option("--rule", help="Ask about this rule only. Repeatable."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Ask about rules that passed, too.")] = False,
    policy: RedecidingOption = None,
    parameter: ParameterOption = None,
    advise: Annotated[
        bool, typer.Option("--advise/--no-advise", help="Look for a rollback that passes.")
    ] = True,
    build: Annotated[
        bool,
        typer.Option("--build", help="Store and sign the rollback that passes, with its verdict."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be evaluated, and ask nothing.")
    ] = False,
    max_usd: MaxUsdOption = None,
    max_tokens: MaxTokensOption = None,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Find out which component of a change moved what, and how little has to be taken back.

    Where several components changed, releases that mix the candidate's with the baseline's are
    evaluated as the run was; what they ask that was asked before is not asked again.
    """
    from gatekeeper.adapters.runs import find_run
    from gatekeeper.cli.attributions import Asked, answered, asked_of, estimates
    from gatekeeper.cli.gates import parameters_of
    from gatekeeper.cli.mixes.runs import Allowance, kept
    from gatekeeper.report.attribution import attribution_document, attribution_text
    from gatekeeper.report.mixing_plan import plan_document, plan_text

    session = Session(project, output)
    asked = Asked(
        rules=tuple(rule or ()),
        every=every,
        advise=advise or build,
        policy=policy,
        parameters=parameters_of(parameter or ()),
        allowance=Allowance(max_usd, max_tokens),
    )
    with kept(session):
        question, made, bench = asked_of(session, find_run(session.project, run), asked)
        if dry_run:
            planned = estimates(made, bench)
            session.emit(plan_document(planned), plan_text(planned, session.width))
            return
        found = answered(question, made, bench)
        if build:
            found = _built(found, bench)
    given = _given(policy, parameter or ())
    session.emit(attribution_document(found), attribution_text(found, session.width, given))


def _given(policy: Path | None, parameters: Sequence[str]) -> list[str]:
    """What the next command has to be given so that the same policy decides."""
    import shlex

    words = [("--parameter", one) for one in parameters]
    if policy is not None:
        words.insert(0, ("--policy", str(policy)))
    return [shlex.quote(word) for two in words for word in two]


def _built(found: Attribution, bench: MixBench) -> Attribution:
    """The attribution once the rollback that passes is a release of the project."""
    from gatekeeper.cli.mixes.keep import keep

    if found.recommended is None:
        return found
    return found.model_copy(update={"recommended": keep(found.recommended, bench)})
