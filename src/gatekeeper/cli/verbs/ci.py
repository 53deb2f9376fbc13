"""`gatekeeper ci`: judge what a pull request touches, and say so where it is reviewed."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.session import HERE, Output, OutputOption, Session
from gatekeeper.cli.workflow_commands import harmless

WHAT = "What is judged"
HOW = "How it is judged"
WHERE = "Where it is told"
PREFIX = "GATEKEEPER_CI_"
"""Of the environment variables that say the same as an option, for templates of pipelines."""
REPORTS = Path("gatekeeper-reports")


class Platform(StrEnum):
    """Where a pipeline runs."""

    auto = "auto"
    github = "github"
    gitlab = "gitlab"
    none = "none"


def ci(
    manifests: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MANIFEST",
            envvar=f"{PREFIX}MANIFESTS",
            help="Judge these, touched or not; by default those that the change touches.",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            envvar=f"{PREFIX}SINCE",
            rich_help_panel=WHAT,
            help="What the change is against; by default what the platform says, or origin/main.",
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline",
            envvar=f"{PREFIX}BASELINE",
            rich_help_panel=WHAT,
            help="Compare with this; with `none` compare with nothing. By default with what --env"
            " serves, else with the same manifest before the change.",
        ),
    ] = None,
    env: Annotated[
        str,
        typer.Option(
            "--env",
            envvar=f"{PREFIX}ENVIRONMENT",
            rich_help_panel=HOW,
            help="The environment that the releases are meant for.",
        ),
    ] = "local",
    engine: Annotated[
        str | None,
        typer.Option(
            "--engine",
            envvar=f"{PREFIX}ENGINE",
            rich_help_panel=HOW,
            help="Take this engine and no other.",
        ),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy", envvar=f"{PREFIX}POLICY", rich_help_panel=HOW, help="Decide by this policy."
        ),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            envvar=f"{PREFIX}PARAMETERS",
            rich_help_panel=HOW,
            help="A parameter of the policy. Repeatable.",
        ),
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            envvar=f"{PREFIX}OPTIONS",
            rich_help_panel=HOW,
            help="One more word for `evaluate`: --with=--max-usd=5. Repeatable.",
        ),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(
            "--keys",
            envvar=f"{PREFIX}KEYS",
            rich_help_panel=HOW,
            help="Keyring and keys for a new state; by default development keys of its own.",
        ),
    ] = None,
    reports: Annotated[
        Path,
        typer.Option(
            "--reports",
            envvar=f"{PREFIX}REPORTS",
            rich_help_panel=WHERE,
            help="A new directory for reports.",
        ),
    ] = REPORTS,
    comment: Annotated[
        bool,
        typer.Option(
            "--comment/--no-comment",
            envvar=f"{PREFIX}COMMENT",
            rich_help_panel=WHERE,
            help="Comment on the pull or merge request.",
        ),
    ] = True,
    platform: Annotated[
        Platform, typer.Option("--platform", rich_help_panel=WHERE, help="Where this runs.")
    ] = Platform.auto,
    output: OutputOption = Output.text,
    project: Annotated[
        Path,
        typer.Option(
            "--project",
            envvar=f"{PREFIX}PROJECT",
            help="The project's directory.",
            show_default="here",
        ),
    ] = HERE,
) -> None:
    """Judge the releases that a change touches: build, compare, evaluate, gate, comment.

    Each step is a verb of its own, told in the log as a person would type it. All reports and the
    comment are written before the exit code is set: the gravest of all manifests, 0 where none is
    touched. A comment that is not allowed changes nothing about the verdict.
    """
    from gatekeeper.adapters.forges import forge_for
    from gatekeeper.cli import reviewing, telling
    from gatekeeper.report.review import review_document, review_text

    session = Session(project, output)
    forge = forge_for(platform.value, os.environ)
    wish = reviewing.Wish(
        places=tuple(map(Path, manifests or ())),
        since=since,
        baseline=baseline,
        environment=env,
        policy=policy,
        parameters=tuple(parameter or ()),
        options=reviewing.words(engine, policy, parameter or (), also or ()),
        reports=reviewing.place_of(reports),
    )
    home = reviewing.home_of(project, keys)
    review = reviewing.review(home, forge, wish, _say)
    at = telling.tell(review, forge, wish.reports, comment=comment, say=_say)
    session.emit(review_document(review, at), telling.marked_up(review_text(review)))
    if review.exit:
        raise typer.Exit(review.exit)


def _say(line: str) -> None:
    if line:
        # A line of ours may be a command; the name of a file in it, which can hold more, may not.
        first, *more = line.splitlines()
        sys.stderr.write("\n".join([first, *map(harmless, more)]) + "\n")
        sys.stderr.flush()
