"""`gatekeeper runs merge`: the shards of a run become one run."""

from __future__ import annotations

from typing import Annotated

import typer

from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session


def runs_merge(
    run: Annotated[list[str], typer.Argument(help="The shards: ids, beginnings of ids, or paths.")],
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Put the shards of an evaluation together to one run, which can then be gated.

    Shards that do not belong together are refused: another release, set, seed, engine, limit or
    price book, a shard that is missing or there twice, a run that was not finished.
    """
    from gatekeeper.adapters.merging import merge
    from gatekeeper.adapters.runs import find_run
    from gatekeeper.report.runs import merged_text

    session = Session(project, output)
    opened = session.project
    whole = merge(opened.runs, [find_run(opened, one) for one in run])
    document = {"run": whole.id, "parts": len(run), "partial": list(whole.partial)}
    session.emit(document, merged_text(whole, len(run)))
