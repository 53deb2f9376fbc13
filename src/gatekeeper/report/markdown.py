"""Text from data made safe inside Markdown, as GitHub and GitLab render it."""

from __future__ import annotations

import re
from typing import Final

from gatekeeper.report.markup import spelled_out

_HTML: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_SPECIAL: Final = re.compile(r"[\\`*_\[\]()|~!$#&<>]")
_LINKED: Final = re.compile(
    r"([@#!~%](?=[\w/])|:(?=//|[\w+-]+:)|\bwww(?=\.)|\bGH(?=-\d))", re.IGNORECASE
)
"""What would notify a person, link or become a picture; only a character in between stops that."""
_GAP: Final = "&#8203;"
_LIST: Final = re.compile(r"^(\d*)([-+.)])(?=\s|$)")


def plain(text: str) -> str:
    """`text` in one line, shown as it is: nothing in it is a tag, a mention, or a table."""
    line = spelled_out(" ".join(text.split()))
    parts = []
    for place, piece in enumerate(_LINKED.split(line)):
        if place % 2:
            parts.append(f"{_escaped(piece)}{_GAP}")
        else:
            parts.append(_SPECIAL.sub(lambda found: _escaped(found[0]), piece))
    return _LIST.sub(r"\1\\\2", "".join(parts))


def code(text: str) -> str:
    """`text` as inline code, whatever backticks it has."""
    line = spelled_out(" ".join(text.split())) or " "
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def cell(text: str) -> str:
    """`text` as inline code in a table, where a bar would end the cell."""
    return code(text).replace("|", "\\|")


def fenced(text: str) -> str:
    """Lines as they are; nothing in them ends the block."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{spelled_out(text, keep=chr(10))}\n{fence}"


def row(cells: list[str]) -> str:
    """A row of a table from cells that are Markdown already."""
    return f"| {' | '.join(cells)} |"


def folded(summary: str, lines: list[str]) -> list[str]:
    """Lines that are opened by a click; nothing where there are none."""
    if not lines:
        return []
    return [f"<details><summary>{summary}</summary>", "", *lines, "", "</details>", ""]


def _escaped(letter: str) -> str:
    return _HTML.get(letter) or (f"\\{letter}" if _SPECIAL.match(letter) else letter)
