"""The one error boundary: expected errors, interruption and bugs leave by different exit codes."""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatekeeper import __version__
from gatekeeper.errors import GatekeeperError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BUG = 4
INTERRUPTED = 130


def guarded(run: Callable[[], int], arguments: Sequence[str]) -> int:
    """Run a verb and turn whatever leaves it into an exit code and a message on stderr."""
    try:
        return run()
    except GatekeeperError as error:
        _report(error, arguments)
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone; what it asked for cannot be known to have arrived.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 3
    except Exception as error:  # noqa: BLE001 - the boundary
        path = _crash_file(arguments)
        sys.stderr.write(
            f"gatekeeper has a bug: {type(error).__name__}: {error}\n"
            f"  {path} says what is needed to report it\n"
        )
        return BUG


def _report(error: GatekeeperError, arguments: Sequence[str]) -> None:
    if _wants_json(arguments):
        sys.stdout.write(json.dumps({"error": document(error)}, indent=2) + "\n")
    problems = error.problems if isinstance(error, InputError) else (error,)
    sys.stderr.write("".join(f"error: {problem}\n" for problem in problems))


def document(error: GatekeeperError) -> dict[str, Any]:
    """The error as programs read it."""
    found: dict[str, Any] = {"code": error.code, "what": error.what, "exit": error.exit_code}
    if error.where:
        found["where"] = error.where
    if error.fix:
        found["fix"] = error.fix
    if isinstance(error, InputError):
        found["problems"] = [asdict(problem) for problem in error.problems]
    return found


def _wants_json(arguments: Sequence[str]) -> bool:
    words = " ".join(arguments)
    return "--output json" in words or "--output=json" in words or "-o json" in words


def _crash_file(arguments: Sequence[str]) -> Path:
    content = {
        "gatekeeper": __version__,
        "python": sys.version,
        "platform": platform.platform(),
        "arguments": list(arguments),
        "traceback": traceback.format_exc(),
    }
    handle, name = tempfile.mkstemp(prefix="gatekeeper-crash-", suffix=".json")
    with os.fdopen(handle, "w") as file:
        json.dump(content, file, indent=2)
    return Path(name)
