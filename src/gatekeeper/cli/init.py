"""`gatekeeper init`: a project, its keys and a first manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.session import Output, OutputOption, Session
from gatekeeper.report.markup import escape


def init(
    directory: Annotated[Path, typer.Argument(help="Where; it is made if absent.")] = Path(),
    example: Annotated[
        str | None, typer.Option("--example", help="Start from an example: support-desk.")
    ] = None,
    output: OutputOption = Output.text,
) -> None:
    """Make a project: development keys, two environments, a first manifest or an example."""
    from gatekeeper.adapters import scaffold

    project, files = scaffold.create(directory, example)
    manifests = [name for name in files if name.startswith("manifests/") and name.count("/") == 1]
    document = {
        "project": str(project.root),
        "example": example,
        "files": list(files),
        "environments": list(scaffold.ENVIRONMENTS),
        "manifests": manifests,
    }
    Session(directory, output).emit(document, _text(directory, manifests, example))


def _text(directory: Path, manifests: list[str], example: str | None) -> str:
    where = "" if directory == Path() else f"cd {escape(directory)} && "
    first = "" if example else f"  edit {manifests[0]}: point it at the files of your model, then\n"
    return (
        f"[green]made[/green] a project in [bold]{escape(directory)}[/bold]\n"
        "  manifests/                 what a release is made of, and the environments\n"
        "  .gatekeeper/               keys, releases and ledgers; keep it out of repositories\n"
        "  environments               local (accepts the development keys), prod (does not)\n"
        f"[bold]next[/bold]\n{first}  {where}gatekeeper build {manifests[0]}"
    )
