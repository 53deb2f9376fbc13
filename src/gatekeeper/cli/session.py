"""What every verb shares: the project, the output mode, and the one way to print."""

from __future__ import annotations

import json
import shutil
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatekeeper.cli.workflow_commands import harmless

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatekeeper.adapters.project import Project
    from gatekeeper.ports import Progress


class Output(StrEnum):
    """How a verb answers."""

    text = "text"
    json = "json"


OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="text for people, json for programs.")
]
ProjectOption = Annotated[
    Path, typer.Option("--project", help="The project's directory.", show_default="here")
]
HERE = Path()
MAX_WIDTH = 120
"""Longer lines are hard to read, however wide the terminal."""


class Session:
    """One invocation of one verb."""

    def __init__(self, project: Path, output: Output) -> None:
        self.directory = project
        self.output = output

    @property
    def project(self) -> Project:
        """The project; raises `UsageError` when the directory is not one."""
        from gatekeeper.adapters.project import Project

        return Project.open(self.directory)

    @property
    def width(self) -> int:
        """Columns for text that is wrapped here: the terminal's, 80 where there is none."""
        return min(shutil.get_terminal_size().columns, MAX_WIDTH)

    @property
    def columns(self) -> int:
        """Columns for tables, which use all that the terminal has."""
        return shutil.get_terminal_size().columns

    def emit(self, document: Mapping[str, Any], text: str) -> None:
        """Answer on stdout: `document` as one JSON document, or `text` (rich markup)."""
        if self.output is Output.json:
            sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        else:
            show(text, error=False)

    def note(self, text: str) -> None:
        """Something for people, on stderr in either mode."""
        show(text, error=True)

    def progress(self) -> Progress:
        """Progress on stderr: a live bar on a terminal, plain lines elsewhere."""
        from gatekeeper.cli.progress import progress_for

        return progress_for(sys.stderr)


def show(text: str, *, error: bool) -> None:
    """Print rich markup; styles are dropped where the stream is no terminal or NO_COLOR is set."""
    from rich.console import Console

    console = Console(stderr=error, highlight=False, soft_wrap=True, emoji=False)
    # A live view takes over `sys.stderr`, and rich itself would go around it, into the view.
    with console.capture() as written:
        console.print(text)
    stream = sys.stderr if error else sys.stdout
    stream.write(harmless(written.get()))
    stream.flush()
