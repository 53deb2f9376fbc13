"""What kind of change it is, and which gates that kind demands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from gatekeeper.model.base import ComponentName

if TYPE_CHECKING:
    from collections.abc import Collection

ChangeClass = Literal["none", "prompt-only", "routing", "context", "model", "policy", "system"]
Part = ComponentName | Literal["governance"]
SECTIONS: Final = ("security", "quality", "reliability", "cost")
SUITES: Final = ("quality", "structured", "safety", "benign", "load")

_CLASS_OF: Final[dict[Part, ChangeClass]] = {
    "prompt": "prompt-only",
    "router": "routing",
    "budgets": "routing",
    "retrieval": "context",
    "model": "model",
    "serving": "model",
    "tools": "policy",
    "policy": "policy",
    "governance": "policy",
}


@dataclass(frozen=True, slots=True)
class Demand:
    """The least that a change has to be judged by.

    Attributes:
        sections: Of the gate policy, most pressing first.
        suites: Of the eval sets.
        reason: What such a change can break.
    """

    sections: tuple[str, ...]
    suites: tuple[str, ...]
    reason: str


_DEMANDS: Final[dict[ChangeClass, Demand]] = {
    "none": Demand((), (), "nothing that a request meets has changed"),
    "prompt-only": Demand(
        ("security", "quality", "cost"),
        ("quality", "structured", "safety", "benign"),
        "wording moves answers, refusals and the number of tokens, not the way a request takes",
    ),
    "routing": Demand(
        ("quality", "reliability", "cost"),
        ("quality", "structured", "load"),
        "other tiers and ceilings move cost and latency, and quality with them",
    ),
    "context": Demand(
        ("security", "quality", "cost"),
        ("quality", "safety", "benign"),
        "other documents move answers and token counts, and can carry injections",
    ),
    "model": Demand(
        SECTIONS, SUITES, "other weights or serving can move anything: every gate applies"
    ),
    "policy": Demand(
        ("security", "quality", "reliability"),
        ("quality", "structured", "safety", "benign"),
        "guardrails and tools move what is let through and what is refused",
    ),
    "system": Demand(
        SECTIONS, SUITES, "coupled parts have changed together: only the whole can be judged"
    ),
}


def classify(changed: Collection[Part]) -> ChangeClass:
    """The class of a change of these parts; parts of more than one class make it `system`."""
    classes = {_CLASS_OF[part] for part in changed}
    if len(classes) > 1:
        return "system"
    return classes.pop() if classes else "none"


def demand(change: ChangeClass) -> Demand:
    """What a change of this class has to be judged by."""
    return _DEMANDS[change]
