"""`gatekeeper runs`: look at runs, and bring them in and out. One module a verb."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import typer

from gatekeeper.cli.lazy import PLAIN, VerbGroup

if TYPE_CHECKING:
    from collections.abc import Mapping


class RunsVerbs(VerbGroup):
    """The verbs of `gatekeeper runs`, one module each."""

    package: ClassVar[str] = __name__
    sections: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "Commands": {
            "list": "The runs of a project, newest first, with what was decided about each.",
            "show": "What was run, how it went, and what the metrics are; or which samples failed,"
            " and why.",
            "compare": "Compare the candidates of two runs on the samples that both answered.",
            "export": "Write a flat row a request: what was asked and answered, tokens, cost,"
            " scores, outcomes.",
            "import": "Make a run of results from another tool, to be gated like any other.",
            "merge": "Put the shards of an evaluation together to one run, which can then be"
            " gated.",
            "calibrate": "Compare a scorer with people: agreement, kappa, error rates, bias by"
            " length and position.",
            "sync": "Bring runs to MLflow that are not there yet, or not all of them.",
        }
    }


app = typer.Typer(
    name="runs",
    cls=RunsVerbs,
    help="Runs: list, show, compare, export, import, merge, calibrate, sync.",
    **PLAIN,
)
