"""Options of `gatekeeper evaluate`, and what their words mean."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.cli.session import Session
    from gatekeeper.model.run import Shard

RUN = "What is run"
GATE = "How it is decided"
USE = "What it may use"
AGAIN = "Going on"

RefArgument = Annotated[str | None, typer.Argument(help="The release.", show_default=False)]
BaselineOption = Annotated[
    str | None,
    typer.Option(
        "--baseline",
        rich_help_panel=RUN,
        help="What to compare with, or none; by default what --env serves.",
    ),
]
EnvironmentOption = Annotated[
    str | None,
    typer.Option(
        "--env",
        rich_help_panel=RUN,
        help="The environment that the release is meant for; by default local.",
    ),
]
EngineOption = Annotated[
    str | None,
    typer.Option("--engine", rich_help_panel=RUN, help="Take this engine and no other."),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        rich_help_panel=RUN,
        help="Run this eval set only, by name or suite. Repeatable.",
    ),
]
PolicyOption = Annotated[
    Path | None,
    typer.Option(
        "--policy", rich_help_panel=GATE, help="Decide by this policy, not the manifest's."
    ),
]
ParameterOption = Annotated[
    list[str] | None,
    typer.Option(
        "--parameter",
        rich_help_panel=GATE,
        help="A parameter of the policy: allowed_delta=0.02.",
    ),
]
FactsOption = Annotated[
    Path | None,
    typer.Option(
        "--facts",
        rich_help_panel=GATE,
        help="The file of declared facts, in place of the policy's.",
    ),
]
ResumeOption = Annotated[
    str | None,
    typer.Option(
        "--resume", rich_help_panel=AGAIN, help="Go on with this run where it was cut off."
    ),
]
DryRunOption = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        rich_help_panel=USE,
        help="Say what it would cost at most, and ask nothing.",
    ),
]
TwinOption = Annotated[
    bool,
    typer.Option(
        "--aa", rich_help_panel=RUN, help="Run the release against itself: how noisy is it?"
    ),
]
LimitOption = Annotated[
    int | None,
    typer.Option(
        "--limit",
        rich_help_panel=RUN,
        help="Ask this many samples of each set, stratified.",
        min=1,
    ),
]
ShardOption = Annotated[
    str | None,
    typer.Option(
        "--shard", rich_help_panel=RUN, help="Run part i of n: 2/4. Merge the runs afterwards."
    ),
]
MaxUsdOption = Annotated[
    float | None,
    typer.Option(
        "--max-usd", rich_help_panel=USE, help="Stop before the run costs more.", min=0, max=1e9
    ),
]
MaxTokensOption = Annotated[
    int | None,
    typer.Option(
        "--max-tokens",
        rich_help_panel=USE,
        help="Stop before it uses more tokens.",
        min=0,
        max=10**15,
    ),
]
CacheOption = Annotated[
    bool | None,
    typer.Option(
        "--cache/--no-cache",
        rich_help_panel=USE,
        help="Remember answers: by default those of pinned weights in this process.",
        show_default=False,
    ),
]
ResponsesOption = Annotated[
    Path | None,
    typer.Option(
        "--responses", rich_help_panel=RUN, help="What the engine `recorded` answers from."
    ),
]
DriftOption = Annotated[
    bool,
    typer.Option(
        "--allow-environment-drift",
        rich_help_panel=AGAIN,
        help="Evaluate on another machine than the release was validated on; the run says so.",
    ),
]
SeedOption = Annotated[
    int | None,
    typer.Option(
        "--seed", rich_help_panel=RUN, help="Seed of the random order; by default 7.", min=0
    ),
]
ConcurrencyOption = Annotated[
    int | None,
    typer.Option(
        "--concurrency",
        rich_help_panel=USE,
        help="Conversations at a time; by default 64, or as many as before.",
        min=1,
        max=4096,
    ),
]
MlflowOption = Annotated[
    str | None,
    typer.Option(
        "--mlflow",
        rich_help_panel=GATE,
        help="Track the run there; by default where MLFLOW_TRACKING_URI says.",
    ),
]


def engine_of(engine: str | None, responses: Path | None) -> str | None:
    """The engine asked for: answers in a file are for the one that replays them.

    Raises:
        UsageError: Another engine was asked for, or there is no such file.
    """
    from gatekeeper.errors import UsageError

    if responses is None:
        return engine
    if engine not in (None, "recorded"):
        raise UsageError(
            f"the engine {engine!r} does not answer from a file",
            where="--responses",
            fix="leave --engine out, or say --engine recorded",
        )
    if not responses.is_file():
        raise UsageError(
            "no such file", where=str(responses), fix="check the name and the directory"
        )
    return "recorded"


def shard_of(text: str | None) -> Shard | None:
    """Part i of n; raises `UsageError` for what is none."""
    from pydantic import ValidationError

    from gatekeeper.errors import UsageError
    from gatekeeper.model.run import Shard

    if text is None:
        return None
    index, _, count = text.partition("/")
    try:
        found = Shard(index=int(index), count=int(count))
    except (ValueError, ValidationError):
        found = None
    if found is None or found.index > found.count:
        raise UsageError(
            f"{text!r} is no part of a run",
            where="--shard",
            fix="write --shard 2/4: the second of four",
        )
    return found


def decided_by(
    session: Session, env: str, policy: Path | None, words: Sequence[str], facts: Path | None
) -> dict[str, Any]:
    """The policy, which `promote` will want the verdict to come from, its parameters and facts.

    Raises:
        UsageError: A file is not there.
        InputError: The facts are not what they should be; the policy is read later.
    """
    from gatekeeper.cli.applying import facts_given
    from gatekeeper.cli.environments import environment_of
    from gatekeeper.cli.gates import parameters_of

    parameters = parameters_of(words)
    settings = environment_of(session.project, env)
    if facts is not None:
        facts_given(session, facts)
    named = {"facts": _named(session, facts)}
    if policy is not None:
        return named | {"policy": _named(session, policy), "parameters": parameters}
    given = {**settings.policy_parameters, **parameters}
    return named | {"policy": settings.policy, "parameters": given}


def _named(session: Session, file: Path | None) -> str | None:
    """A file by its path in the project, where it is inside."""
    if file is None:
        return None
    found, root = file.resolve(), session.project.root
    inside = file.exists() and found.is_relative_to(root)
    return str(found.relative_to(root) if inside else file)
