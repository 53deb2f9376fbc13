"""Options that several verbs take, told in the same words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EnvironmentOption = Annotated[str, typer.Option("--env", help="The environment.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept in the ledger.")]
ActorOption = Annotated[
    str | None, typer.Option("--actor", help="Who; by default GATEKEEPER_ACTOR, or the user.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Check everything, write nothing.")]
TakeOverOption = Annotated[
    bool, typer.Option("--take-over", help="Go on from an entry whose key was revoked.")
]
RedecidingOption = Annotated[
    Path | None,
    typer.Option("--policy", help="The gate policy; by default what the run was decided by."),
]
MaxUsdOption = Annotated[
    float | None, typer.Option("--max-usd", help="Stop before it costs more.", min=0, max=1e9)
]
MaxTokensOption = Annotated[
    int | None,
    typer.Option("--max-tokens", help="Stop before it uses more tokens.", min=0, max=10**15),
]
