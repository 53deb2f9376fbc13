"""Verbs of gatekeeper, each in a process of its own: an engine's memory ends with its run."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.core.review import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gatekeeper.adapters.project import Project

SECRETS: Final = (
    "GITHUB_TOKEN",
    "GATEKEEPER_COMMENT_TOKEN",
    "CI_JOB_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
)
"""What the code of a project, such as a scorer of its own, has no business with."""


@dataclass(frozen=True, slots=True)
class ChildVerbs:
    """Runs verbs on a project as a person would type them, and says so.

    Attributes:
        project: The project.
        say: Is told each command before it begins.
    """

    project: Project
    say: Callable[[str], None]

    def run(self, *words: str) -> Answer:
        """The answer of one verb; what it tells people goes to stderr as it comes."""
        done = self._carry_out((*words, "--output", "json"))
        return Answer(done.returncode, _document(done.stdout, done.returncode))

    def text(self, *words: str) -> str:
        """What one verb says to people; empty where it came to no result."""
        done = self._carry_out(words)
        return "" if done.returncode else done.stdout.decode("utf-8", "replace")

    def _carry_out(self, words: tuple[str, ...]) -> subprocess.CompletedProcess[bytes]:
        where = ("--project", str(self.project.root))
        here = self.project.root == Path.cwd()
        self.say(f"$ gatekeeper {shlex.join(words if here else (*words, *where))}")
        command = [sys.executable, "-m", "gatekeeper", *words, *where]
        settings = {name: value for name, value in os.environ.items() if name not in SECRETS}
        return subprocess.run(command, stdout=subprocess.PIPE, check=False, env=settings)  # noqa: S603 - no shell


def _document(data: bytes, code: int) -> Mapping[str, Any]:
    """The document of an answer; of one that is none, an error that says so."""
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found
    return {"error": {"what": f"it ended with exit code {code} and no answer; see the log"}}
