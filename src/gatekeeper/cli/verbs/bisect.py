"""`gatekeeper bisect`: in which release a metric moved, and by which component."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.options import EnvironmentOption, MaxTokensOption, MaxUsdOption
from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session

if TYPE_CHECKING:
    from gatekeeper.model.bisection import Bisection


def bisect(
    metric: Annotated[str, typer.Argument(help="The metric, as policies call it.")],
    env: EnvironmentOption,
    good: Annotated[
        str | None,
        typer.Option("--good", help="A release before it moved; by default the first."),
    ] = None,
    bad: Annotated[
        str | None,
        typer.Option("--bad", help="A release after it moved; by default the last."),
    ] = None,
    engine: Annotated[
        str | None, typer.Option("--engine", help="Take this engine and no other.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the random order.", min=0)] = 7,
    max_usd: MaxUsdOption = None,
    max_tokens: MaxTokensOption = None,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Find the release of a history in which a metric moved, and the component that moved it.

    Releases are compared with the first, by halves; runs that are stored are not made again.
    """
    import asyncio

    from gatekeeper.cli.bisections import line_of, metric_of, unit_of
    from gatekeeper.cli.mixes.probing import prober_of
    from gatekeeper.cli.mixes.runs import Allowance, kept
    from gatekeeper.model.run import RunOptions
    from gatekeeper.ops.bisect import bisect as find
    from gatekeeper.report.bisection import bisection_document, bisection_text

    session = Session(project, output)
    wanted, allowance = metric_of(metric), Allowance(max_usd, max_tokens)
    line = line_of(session, env, good, bad)
    options = RunOptions(environment=env, engine=engine)
    prober = prober_of(session, wanted, line[-1], options, seed=seed, allowance=allowance)

    async def searched() -> Bisection:
        """With engines that stay open from one comparison to the next."""
        async with prober.engines:
            return await find(wanted, unit_of(wanted), env, line, prober)

    with kept(session):
        found = asyncio.run(searched())
    found = found.model_copy(update={"nano_usd": allowance.nano_usd})
    session.emit(bisection_document(found), bisection_text(found, session.width))
    if found.code == "not_moved":
        raise typer.Exit(3)
