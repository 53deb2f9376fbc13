"""The console script: one invocation, up to its exit code."""

from __future__ import annotations

import sys

from gatekeeper import __version__
from gatekeeper.cli.boundary import INTERRUPTED, guarded
from gatekeeper.cli.streams import prepare
from gatekeeper.errors import UsageError

_ASKS_NOTHING: list[list[str]] = [[], ["keys"], ["policy"], ["runs"]]
"""Who types no more than this wants to know what there is."""


def run(arguments: list[str]) -> int:
    """One invocation, up to its exit code, outside the boundary."""
    if arguments[:1] == ["--version"]:  # before Typer, which takes long to import
        sys.stdout.write(f"gatekeeper {__version__}\n")
        return 0
    from typer.exceptions import Abort, TyperException
    from typer.main import get_command

    from gatekeeper.cli.verbs import app

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
