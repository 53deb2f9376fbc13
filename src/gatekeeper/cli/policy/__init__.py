"""`gatekeeper policy`: look at gate policies, try them, and change them. One module a verb."""

from __future__ import annotations

import importlib

import typer

VERBS: tuple[str, ...] = ("check", "test", "diff", "approve", "report")
"""Each is the function `policy_NAME` of the module `gatekeeper.cli.policy.NAME_`."""

app = typer.Typer(
    help="Gate policies: check, test, diff, approve, report.",
    no_args_is_help=True,
)

for _verb in VERBS:
    _module = importlib.import_module(f"gatekeeper.cli.policy.{_verb}_")
    app.command(_verb)(getattr(_module, f"policy_{_verb}"))
