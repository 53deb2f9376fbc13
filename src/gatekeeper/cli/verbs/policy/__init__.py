"""`gatekeeper policy`: look at gate policies, try them, and change them. One module a verb."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import typer

from gatekeeper.cli.lazy import PLAIN, VerbGroup

if TYPE_CHECKING:
    from collections.abc import Mapping


class PolicyVerbs(VerbGroup):
    """The verbs of `gatekeeper policy`, one module each."""

    package: ClassVar[str] = __name__
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


app = typer.Typer(
    name="policy",
    cls=PolicyVerbs,
    help="Gate policies: check, test, diff, approve, report.",
    **PLAIN,
)
