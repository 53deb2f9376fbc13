"""`gatekeeper init`: a project, its keys and a first manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.session import Output, OutputOption, Session
from gatekeeper.errors import UsageError
from gatekeeper.report.markup import escape


def init(
    directory: Annotated[Path, typer.Argument(help="Where; it is made if absent.")] = Path(),
    example: Annotated[
        str | None, typer.Option("--example", help="Start from an example: support-desk.")
    ] = None,
    state_only: Annotated[
        bool,
        typer.Option(
            "--state-only", help="Only keys and an empty store, beside files that are there."
        ),
    ] = False,
    keys: Annotated[
        Path | None,
        typer.Option("--keys", help="With --state-only: take keyring and keys from there."),
    ] = None,
    output: OutputOption = Output.text,
) -> None:
    """Make a project: development keys, two environments, a first manifest or an example.

    A checkout of somebody else's project has files and no state: --state-only makes one, with
    development keys of its own.
    """
    from gatekeeper.adapters import scaffold
    from gatekeeper.adapters.state import ENVIRONMENTS

    if state_only:
        _state(Session(directory, output), example, keys)
        return
    if keys is not None:
        raise UsageError("belongs to --state-only", where="--keys", fix="add it, or leave this out")
    project, files = scaffold.create(directory, example)
    manifests = [name for name in files if name.startswith("manifests/") and name.count("/") == 1]
    document = {
        "project": str(project.root),
        "example": example,
        "files": list(files),
        "environments": list(ENVIRONMENTS),
        "manifests": manifests,
    }
    Session(directory, output).emit(document, _text(directory, manifests, example))


def _state(session: Session, example: str | None, keys: Path | None) -> None:
    from gatekeeper.adapters.state import create_state

    if example is not None:
        raise UsageError(
            "--state-only writes no example", where="--example", fix="leave one of the two out"
        )
    project = create_state(session.directory, keys)
    made = f"[green]made[/green] {escape(project.state)}"
    note = f"Its keys are those of {escape(keys)}."
    if keys is None:
        note = "The keys are for development: an environment has to accept them."
    session.emit({"project": str(project.root), "state": str(project.state)}, f"{made}\n{note}")


def _text(directory: Path, manifests: list[str], example: str | None) -> str:
    steps = [f"gatekeeper build {manifests[0]}"]
    if directory != Path():
        steps.insert(0, f"cd {escape(directory)}")
    if example is None:
        steps.insert(-1, f"edit {manifests[0]}: point it at the files of your model")
        steps.append(f"gatekeeper evaluate {manifests[0]}")
    rows = {
        "manifests/": f"{len(manifests)} to build, and the environments local and prod",
        "gates/": "what a release has to show, and what tokens cost",
        "eval_sets/": "what it is asked",
    }
    if example is not None:
        rows["models/"] = "a small model that answers for real"
    rows[".gatekeeper/"] = "keys, releases and ledgers; private: keep it out of repositories"
    lines = [f"[green]made[/green] [bold]{escape(directory.absolute().name)}[/bold]"]
    lines += [f"  {name:<13}{what}" for name, what in rows.items()]
    lines.append("The keys are for development: local accepts them, prod does not.")
    lines += ["[bold]next[/bold]", *(f"  {step}" for step in steps)]
    return "\n".join(lines)
