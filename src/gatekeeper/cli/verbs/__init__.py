"""The verbs, in the order in which a person meets them, and the command line that they make up.

What each says of itself stands here again, so that to ask for help imports none of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from gatekeeper.cli.lazy import PLAIN, VerbGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatekeeper.cli.lazy import Verb


class Verbs(VerbGroup):
    """Each is the module `gatekeeper.cli.verbs.NAME` (`list_` for `list`).

    It holds a function of the same name, or `app`, where the verb is a group.
    """

    sections: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "Projects": {
            "init": "Make a project: development keys, two environments, a first manifest or an"
            " example.",
            "keys": "The keys of a project: list, show, generate, revoke, renew.",
            "schema": "Print the JSON Schema of a kind of file, for editors, or of an answer, for"
            " programs.",
        },
        "Releases": {
            "build": "Pin, check, package and sign a release.",
            "show": "Show what a release is made of, every byte of it verified.",
            "list": "List the releases in the store, oldest first.",
            "diff": "Show what changed between two releases, by how much, and which gates follow.",
        },
        "Evaluations and gates": {
            "evaluate": "Run the eval sets through a release, and through what it would replace;"
            " then gate.",
            "gate": "Decide a stored run by a policy, without inference.",
            "report": "Write the last verdict on a run as a page that needs nothing else, or in"
            " another format.",
            "runs": "Runs: list, show, compare, export, import, merge, calibrate, sync.",
            "policy": "Gate policies: check, test, diff, approve, report.",
            "attribute": "Find out which component of a change moved what, and how little has to"
            " be taken back.",
            "bisect": "Find the release of a history in which a metric moved, and the component"
            " that moved it.",
        },
        "Changes under review": {
            "affected": "List the manifests that changes touch, with the files that did it.",
            "ci": "Judge the releases that a change touches: build, compare, evaluate, gate,"
            " comment.",
        },
        "Environments": {
            "promote": "Make a release stable, on a passing, fresh, signed verdict and nothing"
            " less.",
            "rollback": "Return to the last good release, whole, in one entry.",
            "status": "Show what is live in an environment, since when, by whom and on what"
            " evidence.",
            "history": "Show every change of an environment, newest first; verifies what it"
            " prints.",
            "verify": "Say whether a release may be served in an environment, with every reason"
            " if not.",
            "serve": "Serve an environment: follow its ledger, swap releases whole, write records.",
        },
    }

    def load(self, verb: str) -> Verb:
        """Import the function of a verb, or its group."""
        name = "list_" if verb == "list" else verb
        module = importlib.import_module(f"gatekeeper.cli.verbs.{name}")
        found: Verb = getattr(module, "app", None) or getattr(module, name)
        return found


app = typer.Typer(
    name="gatekeeper",
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    **PLAIN,
)


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Release and gate tool for LLM systems: the whole assembly is the unit of release."""
    del version  # answered before Typer is imported
