"""`gatekeeper policy`: look at gate policies, try them, and change them. One module a verb."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, ClassVar

import typer

from gatekeeper.cli.lazy import PLAIN, VerbGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatekeeper.cli.lazy import Verb


class PolicyVerbs(VerbGroup):
    """Each is the function `policy_NAME` of the module `gatekeeper.cli.verbs.policy.NAME_`."""

    sections: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "Commands": {
            "check": "Check a policy, list its rules, and warn of what is weak or cannot be"
            " decided.",
            "test": "Decide past runs by a policy, and see whether it says of each what it should.",
            "diff": "Show what a policy demands more of and less of than another.",
            "approve": "Approve of what a policy demands less of, for one release.",
            "report": "Review a policy: what its rules decided, was overridden, and what came of"
            " it.",
        }
    }

    def load(self, verb: str) -> Verb:
        """Import the function of a verb."""
        module = importlib.import_module(f"gatekeeper.cli.verbs.policy.{verb}_")
        found: Verb = getattr(module, f"policy_{verb}")
        return found


app = typer.Typer(
    name="policy",
    cls=PolicyVerbs,
    help="Gate policies: check, test, diff, approve, report.",
    **PLAIN,
)
