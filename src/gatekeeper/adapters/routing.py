"""The routing policy written as `match`, `route_to`, `else_if`: repeated keys, so not YAML.

It is what people write first. The error for it prints the same policy as this project has it.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MESSAGE: Final = "repeats the keys `route_to` and `else_if`; YAML keeps only one of each"
_CONDITIONS: Final = ("match", "if", "else_if")
_BUDGETS: Final = ("limits", "actions")


def recognise(keys: Sequence[str]) -> bool:
    """Whether the keys of one mapping are such a policy."""
    return "else_if" in keys and "route_to" in keys


def list_form(pairs: Sequence[tuple[str, Any]]) -> str:
    """The policy as a `router` block and a `budgets` block, ready to paste below `components`.

    Args:
        pairs: Its keys and values in the order they are written.
    """
    router: dict[str, Any] = {}
    budgets: dict[str, Any] = {}
    routes: list[dict[str, Any]] = []
    condition: Any = None
    for key, value in pairs:
        if key in _CONDITIONS:
            condition = value
        elif key == "route_to":
            routes.append({"match": condition, "route_to": value} if condition else {key: value})
            condition = None
        elif key in _BUDGETS:
            budgets[key] = value
        else:
            router[key] = value
    names = [str(route["route_to"]) for route in routes]
    tiers = router.pop("tiers", None) or {name: {"model": "NAME"} for name in names}
    blocks: dict[str, Any] = {"router": {**router, "routes": routes, "tiers": tiers}}
    if budgets:
        blocks["budgets"] = budgets
    return f"this list form, NAME being a model of the release\n{_yaml(blocks)}"


def _yaml(content: dict[str, Any]) -> str:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    text = io.StringIO()
    yaml.dump(content, text)
    return text.getvalue().rstrip()
