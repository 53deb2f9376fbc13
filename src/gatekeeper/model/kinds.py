"""The kinds of document that a person writes; each type is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from gatekeeper.model.base import Frozen

KINDS: Final = {
    "ReleaseManifest": "gatekeeper.model.manifest",
    "GatePolicy": "gatekeeper.model.policy",
    "PolicyTest": "gatekeeper.model.policy_test",
    "EvalSet": "gatekeeper.model.evalset",
    "Environment": "gatekeeper.model.environment",
    "PriceBook": "gatekeeper.model.prices",
    "Facts": "gatekeeper.model.facts",
}
"""Kind, as `kind:` names it, and the module of the type of that name."""
SHORT: Final = {
    "manifest": "ReleaseManifest",
    "policy": "GatePolicy",
    "policy-test": "PolicyTest",
    "evalset": "EvalSet",
    "environment": "Environment",
    "prices": "PriceBook",
    "facts": "Facts",
}
"""What people may call a kind on the command line."""

ANSWERS: Final = {
    "Verdict": "gatekeeper.model.verdict",
    "Attribution": "gatekeeper.model.attribution",
    "Bisection": "gatekeeper.model.bisection",
}
"""What verbs answer with `--output json`, and the modules of those types; nobody writes them."""


def type_of(kind: str) -> type[Frozen]:
    """The type of a kind or an answer; raises `KeyError` for a name that is none."""
    return cast("type[Frozen]", getattr(import_module({**KINDS, **ANSWERS}[kind]), kind))
