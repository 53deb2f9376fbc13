"""How the place of a value inside a document is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

KeyPath = tuple[str | int, ...]
"""Keys and indices from the root of a document to a value."""

MAX_SHOWN = 200

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def dot(path: Sequence[str | int]) -> str:
    """``components.router.routes[0].match``; a key that is no plain word stands in brackets."""
    parts = []
    for part in path:
        if isinstance(part, str) and _PLAIN.fullmatch(part):
            parts.append(f".{part}")
        else:
            parts.append(f"[{part!r}]")
    text = "".join(parts).removeprefix(".")
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
