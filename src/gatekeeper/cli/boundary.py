"""The one error boundary: expected errors, interruption and bugs leave by different exit codes.

What only an error needs is imported where it has happened: every start would pay for it.
"""

from __future__ import annotations

import errno
import os
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from gatekeeper import __version__
from gatekeeper.cli.workflow_commands import harmless
from gatekeeper.errors import GatekeeperError, InputError, UnavailableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BUG = 4
INTERRUPTED = 130
UNHEARD = 3
"""The reader of stdout has gone; what it asked for cannot be known to have arrived."""

_DISK = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
}


def guarded(run: Callable[[], int], arguments: Sequence[str]) -> int:
    """Run a verb and turn whatever leaves it into an exit code and a message on stderr."""
    try:
        code = run()
        sys.stdout.flush()
    except BrokenPipeError:
        return _unheard()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    except GatekeeperError as error:
        return _report(error, arguments)
    except Exception as error:  # noqa: BLE001 - the boundary
        if isinstance(error, OSError) and error.errno in {*_DISK, errno.ENAMETOOLONG}:
            return _report(_of_disk(error), arguments)
        return _bug(error, arguments)
    return code or (UNHEARD if getattr(sys.stdout, "lost", False) else 0)


def document(error: GatekeeperError) -> dict[str, Any]:
    """The error as programs read it."""
    from dataclasses import asdict

    found: dict[str, Any] = {"code": error.code, "what": error.what, "exit": error.exit_code}
    if error.where:
        found["where"] = error.where
    if error.fix:
        found["fix"] = error.fix
    if isinstance(error, InputError):
        found["problems"] = [asdict(problem) for problem in error.problems]
    return found


def _report(error: GatekeeperError, arguments: Sequence[str]) -> int:
    problems = error.problems if isinstance(error, InputError) else (error,)
    sys.stderr.write(harmless("".join(f"error: {problem}\n" for problem in problems)))
    return _answer(document(error), arguments)


def _bug(error: Exception, arguments: Sequence[str]) -> int:
    what = f"{type(error).__name__}: {error}"
    path = _crash_file(arguments)
    told = f"gatekeeper has a bug: {what}\n  {path} says what is needed to report it\n"
    sys.stderr.write(harmless(told))
    return _answer({"code": "bug", "what": what, "exit": BUG, "where": path}, arguments)


def _answer(found: dict[str, Any], arguments: Sequence[str]) -> int:
    """Give programs their document too; the exit code is returned."""
    if _wants_json(arguments):
        import json

        try:
            sys.stdout.write(json.dumps({"error": found}, indent=2) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            _unheard()
    return int(found["exit"])


def _unheard() -> int:
    """Let the interpreter flush what is left of stdout into nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return UNHEARD


def _of_disk(error: OSError) -> GatekeeperError:
    if error.errno == errno.ENAMETOOLONG:
        return UsageError("a name is longer than this machine allows", fix="use a shorter one")
    return UnavailableError(
        f"the operating system refuses: {error.strerror}",
        where=os.fsdecode(error.filename) if error.filename else "",
        fix="check permissions, free space and limits, then try again",
    )


def _wants_json(arguments: Sequence[str]) -> bool:
    if {"--output=json", "-ojson"} & set(arguments):
        return True
    return any(a in {"--output", "-o"} and b == "json" for a, b in pairwise(arguments))


def _crash_file(arguments: Sequence[str]) -> str:
    import json
    import platform
    import tempfile
    import traceback

    trace = traceback.format_exc()
    content = {
        "gatekeeper": __version__,
        "python": sys.version,
        "platform": platform.platform(),
        "arguments": list(arguments),
        "traceback": trace,
    }
    try:
        handle, name = tempfile.mkstemp(prefix="gatekeeper-crash-", suffix=".json")
        with os.fdopen(handle, "w") as file:
            json.dump(content, file, indent=2)
    except OSError:
        sys.stderr.write(trace)
        return "the traceback above"
    return name
