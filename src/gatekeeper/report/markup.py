"""Text that comes from data, made safe inside rich markup."""

from __future__ import annotations

import re

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
