"""One thing that a cross-component check has to say."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding, placed by the key of the manifest that causes it.

    Attributes:
        code: Stable name, such as ``context-overflow``.
        path: Keys of the manifest, from its top.
        message: What is wrong, with the figures.
        fix: What to do, or what would be accepted.
        nearest: The valid name nearest to the one found.
        line: Line within the text at `path`, where that matters; 0 otherwise.
        severity: An error refuses the build; a warning is only told.
    """

    code: str
    path: KeyPath
    message: str
    fix: str = ""
    nearest: str = ""
    line: int = 0
    severity: Literal["error", "warning"] = "error"


def unknown(code: str, path: KeyPath, what: str, name: str, known: Iterable[str]) -> Finding:
    """A name that is not among those declared."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    return Finding(
        code=code,
        path=path,
        message=f"{what} {name!r} is not declared",
        fix=", ".join(names) or "none is declared",
        nearest=close[0] if close else "",
    )
