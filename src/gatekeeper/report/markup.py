"""Text that comes from data, made safe inside rich markup."""

from __future__ import annotations

import re

_TAG = re.compile(r"(\\*)(\[[a-z#/@][^[]*?])")


def escape(text: object) -> str:
    """`text` with everything that could be a tag of rich markup escaped, so that it shows as is."""
    escaped = _TAG.sub(r"\1\1\\\2", str(text))
    trailing = len(escaped) - len(escaped.rstrip("\\"))
    return escaped + "\\" * (trailing % 2)
