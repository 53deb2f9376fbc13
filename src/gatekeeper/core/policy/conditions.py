"""Conditions such as ``metric >= 0.99`` in the lists of what is required and what is denied."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gatekeeper.core.policy.rules import Line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatekeeper.core.policy.rules import KeyPath, Rules
    from gatekeeper.model.policy import Requirement, Test

_CONDITION = re.compile(
    r"\s*(?P<metric>[A-Za-z_][\w.-]*)\s*(?P<sign><=|>=)\s*(?P<limit>[\w.+-]+)\s*"
)
_WANTED: Final[dict[str, Test]] = {">=": "min", "<=": "max"}
_DENIED: Final[dict[str, Test]] = {">=": "max", "<=": "min"}


def add_lines(
    rules: Rules, name: str, lines: Sequence[Requirement], parameters: Mapping[str, float]
) -> None:
    """The rules of the list `name`, which is `require` or `deny_if`."""
    required = name == "require"
    for number, line in enumerate(lines):
        if isinstance(line, str):
            _condition(rules, (name, number), line, parameters, _WANTED if required else _DENIED)
        else:
            ((word, value),) = line.items()
            rules.flag(Line((name, number, word), "", word, None), wanted=value is required)


def _condition(
    rules: Rules,
    path: KeyPath,
    text: str,
    parameters: Mapping[str, float],
    tests: Mapping[str, Test],
) -> None:
    found = _CONDITION.fullmatch(text)
    if found is None:
        accepted = "`metric >= number` or `metric <= number`, or a parameter in place of the number"
        rules.refuse(path, f"cannot be read as a condition: {text!r}", accepted)
        return
    limit = _value(found["limit"], parameters)
    if limit is None:
        word = found["limit"]
        accepted = f"`parameters: {{{word}: 0.02}}` in the policy, or --parameter {word}=0.02"
        rules.refuse(path, f"the parameter {word!r} is required and has no value", accepted)
        return
    rules.add(Line(path, "", found["metric"], tests[found["sign"]], limit))


def _value(word: str, parameters: Mapping[str, float]) -> float | None:
    """A finite number, or the value of a parameter."""
    if word in parameters:
        return parameters[word]
    try:
        number = float(word)
    except ValueError:
        return None
    return number if abs(number) <= 1e12 else None  # noqa: PLR2004 - as everywhere in a policy
