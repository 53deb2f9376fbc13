"""One root exception. Every error says what happened, where, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


class GatekeeperError(Exception):
    """An expected failure, with the exit code that it leaves by.

    Args:
        what: What happened, one sentence without the final full stop.
        where: The file, command, entry or system it happened in.
        fix: What to do next.
    """

    exit_code: ClassVar[int] = 3
    code: ClassVar[str] = "error"

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what = what
        self.where = where
        self.fix = fix
        super().__init__(what)

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.fix:
            lines.append(f"  {self.fix}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one input, located as exactly as the input allows.

    Attributes:
        message: What is wrong, with what was found.
        file: Path as the person gave it, relative to the project where possible.
        line: 1-based line, or 0 where a file has none.
        column: 1-based column, or 0.
        path: Dotted path of the key, such as ``components.prompt.system``.
        accepted: What would be accepted there.
        nearest: The valid name nearest to the one found, if any.
        code: Stable name of the check that found it, for programs; empty for faults of form.
    """

    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    path: str = ""
    accepted: str = ""
    nearest: str = ""
    code: str = ""

    def __str__(self) -> str:
        place = self.file
        if self.line:
            place += f":{self.line}:{self.column}"
        parts = [part for part in (place, self.path, self.message) if part]
        text = ": ".join(parts)
        if self.nearest:
            text += f"; did you mean {self.nearest!r}?"
        if self.accepted:
            text += f"\n  accepted: {self.accepted}"
        return text


class InputError(GatekeeperError):
    """One or more problems in what a person wrote; all of them at once."""

    exit_code = 2
    code = "bad-input"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        super().__init__(f"{count} problem{'s' if count != 1 else ''} in the input")

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class UsageError(GatekeeperError):
    """The command line asks for something that does not exist or does not fit."""

    exit_code = 2
    code = "bad-usage"


class RefusedError(GatekeeperError):
    """A definite no: a signature, a digest or a negative verdict refuses the action."""

    exit_code = 1
    code = "refused"


class IntegrityError(RefusedError):
    """Content does not have the digest, length or signature that it must have."""

    code = "integrity"


class EnvironmentDriftError(RefusedError):
    """What serves here is not what the release accepts or was validated on."""

    code = "environment-drift"


class UndecidedError(GatekeeperError):
    """Could not decide or act: evidence absent, stale or inconclusive."""

    code = "undecided"


class StoppedError(GatekeeperError):
    """A person asked a long operation to end before its end; it can be gone on with."""

    exit_code = 130
    code = "stopped"


class LostRaceError(GatekeeperError):
    """Somebody else's ledger entry was committed first."""

    code = "lost-race"


class UnavailableError(GatekeeperError):
    """An outside system (engine, endpoint, disk, registry) does not do its part."""

    code = "unavailable"


class EngineError(UnavailableError):
    """An engine could not generate.

    Args:
        retryable: Whether the same call may succeed a moment later.
        retry_after: Seconds that the engine asks to be left alone; 0 where it does not say for
            how long, null where it does not ask.
    """

    code = "engine"

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        fix: str = "",
        retryable: bool = True,
        retry_after: float | None = None,
    ) -> None:
        self.retryable = retryable
        self.retry_after = retry_after
        super().__init__(what, where=where, fix=fix)
