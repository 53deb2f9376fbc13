"""stdin, stdout and stderr as they are found: closed, or with nobody who reads them."""

from __future__ import annotations

import io
import os
import sys
from typing import Final

_NAMES: Final = {0: "stdin", 1: "stdout", 2: "stderr"}


class Stream(io.TextIOWrapper):
    """A stream whose reader may go away: that ends no work, and is no negative verdict.

    Attributes:
        lost: The reader has gone.
    """

    lost = False

    def write(self, text: str, /) -> int:
        """Write `text`, or nothing once the reader has gone."""
        try:
            return super().write(text)
        except BrokenPipeError:
            self._give_up()
            return len(text)

    def flush(self) -> None:
        """Bring it to the reader, if there is one."""
        try:
            super().flush()
        except BrokenPipeError:
            self._give_up()

    def _give_up(self) -> None:
        self.lost = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())


def prepare() -> None:
    """Open what is closed, write UTF-8 whatever the locale, and take no harm from a lost reader."""
    for number in _NAMES:
        _open(number)
    for number in (1, 2):
        stream = getattr(sys, _NAMES[number])
        if type(stream) is io.TextIOWrapper:
            lines = stream.line_buffering
            forgiving = Stream(stream.detach(), "utf-8", "backslashreplace", line_buffering=lines)
            setattr(sys, _NAMES[number], forgiving)
            # Who asks how wide the terminal is asks the original, which is detached by now.
            setattr(sys, f"__{_NAMES[number]}__", forgiving)


def _open(number: int) -> None:
    """Let no file of ours get the number of a closed stream: others would write into it."""
    try:
        os.fstat(number)
    except OSError:
        os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        stream = os.fdopen(number, "w" if number else "r", closefd=False)
        setattr(sys, _NAMES[number], stream)
