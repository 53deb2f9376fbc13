"""Text that comes from data, made safe inside rich markup."""

from __future__ import annotations

import hashlib
import re
from typing import Final

LONGEST_NAME: Final = 100
"""Characters; results of other tools may name a sample by all that it asks."""
_MARK: Final = 8
_OPENING = re.compile(r"(\\*)(\[(?:(?P<tag>[a-z#/@][^[]*?])|(?P<start>[a-z#/@])?))")


def escape(text: object) -> str:
    """`text` so that rich shows it as it is, tags, brackets and backslashes included.

    In front of a tag rich halves backslashes, in front of any other bracket it drops one, and a
    trailing one would hide the tag that follows.
    """
    escaped = _OPENING.sub(_guarded, str(text))
    trailing = len(escaped) - len(escaped.rstrip("\\"))
    return escaped + "\\" * trailing


def escape_line(text: str) -> str:
    """`text` at the end of a line, where no tag can follow that a backslash would hide."""
    trailing = len(text) - len(text.rstrip("\\"))
    return escape(text).removesuffix("\\" * trailing)


def _guarded(found: re.Match[str]) -> str:
    backslashes, bracket = found[1], found[2]
    if found["tag"]:
        return f"{backslashes * 2}\\{bracket}"
    return f"{backslashes}\\{bracket}" if backslashes or found["start"] else bracket


def one_line(text: str) -> str:
    """What somebody wrote, as it can stand in a line: control characters are spelled out."""
    return escape(spelled_out(text))


def short_name(name: str) -> str:
    """A name that is no longer than those of our own samples may be.

    Of a longer one the beginning stands, and a few digits of its sha256, so that two which begin
    alike are told apart.
    """
    if len(name) <= LONGEST_NAME:
        return name
    mark = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_MARK]
    return f"{name[: LONGEST_NAME - _MARK - 1]}…{mark}"


def spelled_out(text: str, keep: str = "") -> str:
    """`text` without anything that would move a cursor or colour a terminal, but for `keep`."""
    if text.isprintable():
        return text
    return "".join(
        one
        if one.isprintable() or one in keep
        else one.encode("unicode_escape", "backslashreplace").decode()
        for one in text
    )
