"""What is weak about a policy, as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.report.markup import escape_line
from gatekeeper.report.tables import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatekeeper.core.policy.weakness import Weakness

WIDTH: Final = 80
_INDENT: Final = " " * 9


def weakness_text(found: Sequence[Weakness], width: int = WIDTH) -> Iterator[str]:
    """A paragraph each: the rule, what is weak about it, the code, and what to write instead."""
    room = width - len(_INDENT)
    for one in found:
        first, *more = fold(f"{one.rule}: {one.text} ({one.code})", room)
        yield f"[yellow]warning[/yellow]  {escape_line(first)}"
        for line in (*more, *fold(f"instead: {one.fix}", room)):
            yield f"{_INDENT}{escape_line(line)}"
