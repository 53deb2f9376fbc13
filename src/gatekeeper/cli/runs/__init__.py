"""`gatekeeper runs`: look at runs, and bring them in and out. One module a verb."""

from __future__ import annotations

import importlib

import typer

VERBS: tuple[str, ...] = (
    "list",
    "show",
    "compare",
    "export",
    "import",
    "merge",
    "calibrate",
    "sync",
)
"""Each is the function `runs_NAME` of the module `gatekeeper.cli.runs.NAME_`."""

app = typer.Typer(
    help="Runs: list, show, compare, export, import, merge, calibrate, sync.",
    no_args_is_help=True,
)

for _verb in VERBS:
    _module = importlib.import_module(f"gatekeeper.cli.runs.{_verb}_")
    app.command(_verb)(getattr(_module, f"runs_{_verb}"))
