"""Plain scalars by the core schema of YAML 1.2, less what two readers could take differently.

`no` and `on` are text, `0o17` is octal; NaN, infinities, leading zeros and whole numbers that JSON
cannot carry exactly are refused. Source: https://yaml.org/spec/1.2.2/#1032-tag-resolution
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

MAX_INTEGER: Final = 2**53 - 1
"""The largest whole number that every JSON reader holds exactly (RFC 8785)."""

_WORDS: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_ZERO = re.compile(r"[-+]?0[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

Value = None | bool | int | float | str


@dataclass(frozen=True, slots=True)
class Refused:
    """A scalar that is not read, and why."""

    message: str
    accepted: str


def resolve(text: str) -> Value | Refused:
    """What an unquoted scalar means."""
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        return Refused(f"{text} is not a number that can be compared", "a finite number")
    if _INTEGER.fullmatch(text):
        return _integer(text)
    return _float(text) if _FLOAT.fullmatch(text) else text


def _float(text: str) -> float | Refused:
    value = float(text)
    if math.isfinite(value):
        return value
    return Refused(f"{_short(text)} is too large", "a number below 1.8e308")


def _integer(text: str) -> int | Refused:
    if _ZERO.fullmatch(text):
        message = f"{_short(text)} has a leading zero: octal to some readers, decimal to others"
        return Refused(message, "a number without leading zeros, or text in quotes")
    value = int(text, 0) if len(text) <= len(str(MAX_INTEGER)) + 1 else MAX_INTEGER + 1
    if abs(value) <= MAX_INTEGER:
        return value
    return Refused(f"{_short(text)} is too large", f"a whole number within ±{MAX_INTEGER:,}")


def _short(text: str) -> str:
    return text if len(text) <= 24 else f"{text[:20]}… ({len(text)} digits)"  # noqa: PLR2004
