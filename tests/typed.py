"""The command line as a person types at it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gatekeeper.cli.boundary import guarded
from gatekeeper.cli.main import run

if TYPE_CHECKING:
    import pytest


class Line:
    """The command line, and what it last said."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *words: str) -> int:
        """The exit code of what was typed."""
        self._capsys.readouterr()
        code = guarded(lambda: run(list(words)), words)
        self.out, self.err = self._capsys.readouterr()
        return code

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        """The document that it answers with."""
        assert self(*words, "--output", "json") == code, self.err
        found: dict[str, Any] = json.loads(self.out)
        return found
