"""Text that GitHub's runner must not take for its commands: it reads them out of a job's log."""

from __future__ import annotations

import os
import re
from typing import Final

_COMMAND: Final = re.compile(r"(?:^|(?<=[\r\n]))\s*::|##\[")
"""A command of either syntax: `::set-output …` on a line of its own, `##[set-output …` anywhere."""
_GAP: Final = "\u200b"


def harmless(text: str) -> str:
    """`text` as it can stand in a log; what would be a command gets a gap that nobody sees.

    Names of samples, tags, files and what endpoints say come from whoever proposes a change, and
    lines are wrapped at their blanks: each of them could begin a line.
    """
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return text
    return _COMMAND.sub(lambda found: found[0][:-1] + _GAP + found[0][-1], text)
