"""`gatekeeper schema`: JSON Schema of what a person writes, and of what a program reads."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption
from gatekeeper.errors import UsageError

DIALECT = "https://json-schema.org/draft/2020-12/schema"
IDENTITY = "https://gatekeeper.dev/schema/v1/{kind}.json"


def schema(
    kind: Annotated[str, typer.Argument(help="manifest, policy, policy-test, evalset, verdict, …")],
    output: OutputOption = Output.text,  # noqa: ARG001 - the answer is JSON either way
    project: ProjectOption = HERE,  # noqa: ARG001 - every verb takes it
) -> None:
    """Print the JSON Schema of a kind of file, for editors, or of an answer, for programs."""
    sys.stdout.write(json.dumps(document(kind), indent=2, ensure_ascii=False) + "\n")


def document(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a kind, by its short name or as `kind:` names it."""
    from gatekeeper.model.kinds import ANSWERS, KINDS, SHORT, type_of

    answers = {kind.lower(): kind for kind in ANSWERS}
    if answer := answers.get(name.lower()):
        return _described(answer, type_of(answer).model_json_schema(mode="serialization"))
    kinds = {**SHORT, **{kind.lower(): kind for kind in KINDS}}
    kind = kinds.get(name.lower())
    if kind is None:
        known = ", ".join((*SHORT, *answers))
        raise UsageError(f"no kind of file is called {name!r}", fix=f"use {known}")
    return _described(kind, type_of(kind).model_json_schema())


def _described(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"$schema": DIALECT, "$id": IDENTITY.format(kind=kind), "title": kind, **body}
