"""What the releases that a change touches were judged to be, one by one and together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gatekeeper.core.affected import Cause
    from gatekeeper.model.verdict import Loosened

WORST: Final = (130, 4, 1, 2, 3, 0)
"""Exit codes, the gravest first: a release that is known to be bad outweighs one not decided."""
NOTHING: Final = "none"
"""The outcome where no release was to be judged."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a verb answered: its exit code and its JSON document."""

    code: int
    document: Mapping[str, Any]

    @property
    def error(self) -> str:
        """What went wrong, in one line a problem; empty where there is a result."""
        found = self.document.get("error")
        if found is None:
            return ""
        problems = [_line(one) for one in found.get("problems", ())]
        where = f"{found['where']}: " if found.get("where") else ""
        return "\n".join(problems) or f"{where}{found.get('what', 'no answer')}"


@dataclass(frozen=True, slots=True)
class Judged:
    """One manifest of a change, built, compared and evaluated, as far as it came.

    Attributes:
        manifest: Its file, from the project's root.
        because: The changed files that touch it; none where it was named by a person.
        exit: Of the command that ended it.
        release: Digest of what was built; empty where nothing was.
        baseline: What it was compared with, digest or reference; empty where with nothing.
        compared: Where that baseline comes from, or why there is none.
        verdict: The document of the verdict; empty where there is none.
        story: The verdict for a comment, in Markdown.
        difference: What changed against the baseline, in Markdown.
        error: What went wrong before there was a verdict.
        reports: Directory of its reports, from the directory of all of them.
    """

    manifest: str
    because: tuple[Cause, ...] = ()
    exit: int = 0
    release: str = ""
    baseline: str = ""
    compared: str = ""
    verdict: Mapping[str, Any] = field(default_factory=dict)
    story: str = ""
    difference: str = ""
    error: str = ""
    reports: str = ""

    @property
    def outcome(self) -> str:
        """Of the verdict; `error` where there is none."""
        return str(self.verdict.get("outcome", "error"))

    @property
    def run(self) -> str:
        """The run that was decided; empty where there is none."""
        return str(self.verdict.get("run", ""))


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A gate policy that changes together with what it judges.

    Attributes:
        file: From the project's root.
        loosened: What it demands less of than before, or may.
        unclear: Why that is not known; empty where it is.
    """

    file: str
    loosened: tuple[Loosened, ...] = ()
    unclear: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """All manifests of a change.

    Attributes:
        judged: Each of them.
        base: The commit that the change is against; empty where nobody said.
        commit: What is judged.
        deleted: Manifests that the change takes away.
        policies: Gate policies that the change alters.
        log: Address of the log.
        project: Directory of the project in the repository; empty where it is the whole.
    """

    judged: tuple[Judged, ...]
    base: str = ""
    commit: str = ""
    deleted: tuple[str, ...] = ()
    policies: tuple[PolicyChange, ...] = ()
    log: str = ""
    project: str = ""

    @property
    def worst(self) -> Judged | None:
        """The manifest that decides; of equals the first."""
        return next(iter(self.gravest_first), None)

    @property
    def gravest_first(self) -> tuple[Judged, ...]:
        """As people want to read them."""
        return tuple(sorted(self.judged, key=lambda one: _gravity(one.exit)))

    @property
    def exit(self) -> int:
        """The exit code of the whole."""
        return worst(one.exit for one in self.judged)

    @property
    def outcome(self) -> str:
        """Of the manifest that decides; `NOTHING` where there is none."""
        return self.worst.outcome if self.worst else NOTHING


def worst(codes: Iterable[int]) -> int:
    """The gravest of some exit codes; 0 where there are none."""
    return min(codes, key=_gravity, default=0)


def _gravity(code: int) -> int:
    """A code that is not known is as grave as a bug."""
    return WORST.index(code if code in WORST else 4)


def slug(manifest: str) -> str:
    """A name for a directory: ``manifests/a b.yaml`` is ``manifests-a-b-yaml``.

    Two manifests may have the same; the caller tells them apart.
    """
    words = "".join(letter if letter.isalnum() else " " for letter in manifest).split()
    return "-".join(words) or "manifest"


def _line(problem: Mapping[str, Any]) -> str:
    place = problem.get("file", "")
    if problem.get("line"):
        place += f":{problem['line']}:{problem['column']}"
    parts = (place, problem.get("path", ""), problem.get("message", ""))
    return ": ".join(part for part in parts if part)
