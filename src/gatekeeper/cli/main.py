"""The console script: verbs, in the order in which a person meets them."""

from __future__ import annotations

import importlib
import sys
from typing import Annotated

import typer

from gatekeeper import __version__
from gatekeeper.cli.boundary import INTERRUPTED, guarded
from gatekeeper.cli.streams import prepare
from gatekeeper.errors import UsageError

VERBS = (
    "init",
    "build",
    "show",
    "list",
    "diff",
    "evaluate",
    "gate",
    "report",
    "affected",
    "ci",
    "runs",
    "attribute",
    "bisect",
    "policy",
    "promote",
    "rollback",
    "status",
    "history",
    "verify",
    "serve",
    "keys",
    "schema",
)
"""Each is the module `gatekeeper.cli.NAME` (`list_` for `list`).

It holds a function of the same name, or `app`, where the verb is a group.
"""
_ASKS_NOTHING: list[list[str]] = [[], ["keys"], ["policy"], ["runs"]]
"""Who types no more than this wants to know what there is."""

app = typer.Typer(
    name="gatekeeper",
    help="Release and gate tool for LLM systems: the whole assembly is the unit of release.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        sys.stdout.write(f"gatekeeper {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Release and gate tool for LLM systems: the whole assembly is the unit of release."""


def _register() -> None:
    for verb in VERBS:
        name = f"{verb}_" if verb == "list" else verb
        module = importlib.import_module(f"gatekeeper.cli.{name}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=verb)
        else:
            app.command(verb)(getattr(module, name))


def run(arguments: list[str]) -> int:
    """One invocation, up to its exit code, outside the boundary."""
    from typer.exceptions import Abort, TyperException
    from typer.main import get_command

    words = [*arguments, "--help"] if arguments in _ASKS_NOTHING else arguments
    try:
        result = get_command(app).main(args=words, prog_name="gatekeeper", standalone_mode=False)
    except Abort:
        raise KeyboardInterrupt from None
    except TyperException as error:
        context = getattr(error, "ctx", None)
        verb = context.command_path if context else "gatekeeper"
        raise UsageError(error.format_message(), fix=f"see `{verb} --help`") from None
    if result == INTERRUPTED:  # Typer makes a quiet exit code of Ctrl-C
        raise KeyboardInterrupt
    return result if isinstance(result, int) else 0


def main() -> None:
    """The console script."""
    arguments = sys.argv[1:]
    prepare()
    sys.exit(guarded(lambda: run(arguments), arguments))


_register()
