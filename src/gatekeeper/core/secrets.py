"""Text that looks like a credential: refused by its kind, never repeated."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.core.checks.finding import KeyPath

REFUSAL: Final = "holds what looks like {}; a release is copied and kept, so it may not"
INSTEAD: Final = "configuration without credentials: engines read theirs from the environment"
_KINDS: Final = {
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "an AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40,})",
    "a Hugging Face token": r"\bhf_[A-Za-z0-9]{30,}\b",
    "a Slack token": r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "a Google API key": r"\bAIza[0-9A-Za-z_-]{35}",
    "an API key": r"\bsk-(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{20,}",
}
_PATTERNS: Final = {kind: re.compile(pattern) for kind, pattern in _KINDS.items()}


def find(text: str) -> list[tuple[int, str]]:
    """Line (from 1) and kind of everything in `text` that looks like a credential."""
    return sorted(
        (text.count("\n", 0, match.start()) + 1, kind)
        for kind, pattern in _PATTERNS.items()
        for match in pattern.finditer(text)
    )


def within(value: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Key path and kind of every string (or key) inside `value` that looks like a credential."""
    if isinstance(value, str):
        yield from ((path, kind) for _, kind in find(value))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from ((path, kind) for _, kind in find(str(key)))
            yield from within(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from within(item, (*path, index))
