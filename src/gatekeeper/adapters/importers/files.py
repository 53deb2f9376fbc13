"""Reading result files: bounded, located errors, and what kind of file it is by its content."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any, Final, NoReturn

from gatekeeper.adapters.files import read_regular
from gatekeeper.errors import InputError, Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINE_LIMIT: Final = 16 << 20
"""Bytes of one line."""
DOCUMENT_LIMIT: Final = 256 << 20
"""Bytes of a JSON document, which is read whole."""
_HEAD: Final = 4


def regular(path: Path) -> Path:
    """The same path; raises `UsageError` for anything but a regular file or a link to one."""
    try:
        mode = path.stat().st_mode
    except (OSError, RuntimeError) as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else "cannot be read"
        raise UsageError(reason, where=str(path), fix="name a result file") from None
    if not stat.S_ISREG(mode):
        what = "is a directory" if stat.S_ISDIR(mode) else "is not a regular file"
        raise UsageError(what, where=str(path), fix="name a result file")
    return path


def head(path: Path) -> bytes:
    """The first bytes, which name the kind of a binary file."""
    with path.open("rb") as file:
        return file.read(_HEAD)


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Every line that is not blank, with its number; raises `InputError` for one too long."""
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(LINE_LIMIT + 1), b""), 1):
            if len(line) > LINE_LIMIT:
                accepted = f"at most {LINE_LIMIT:,} bytes"
                problem = Problem("is too long a line", str(path), number, 1, accepted=accepted)
                raise InputError([problem])
            if line.strip():
                yield number, line


def objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every line as a JSON object, with its number; raises `InputError` for one that is none."""
    for number, line in lines(path):
        found = parse(line, str(path), number)
        if not isinstance(found, dict):
            accepted = "one JSON object a line"
            problem = Problem("is not an object", str(path), number, 1, accepted=accepted)
            raise InputError([problem])
        yield number, found


def first_object(path: Path) -> dict[str, Any] | None:
    """The first line as an object; None where the file is not one object a line."""
    with path.open("rb") as file:
        line = file.readline(LINE_LIMIT)
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def document(path: Path) -> Any:
    """A JSON document; raises `InputError` for one that is none or too large."""
    return parse(read_regular(path.resolve(), str(path), DOCUMENT_LIMIT), str(path))


def parse(data: bytes, file: str, line: int = 0) -> Any:
    """JSON, or `InputError` at the line and column of the fault.

    Args:
        data: The text.
        file: What to call it.
        line: Its line in the file; 0 where it is the whole file.
    """
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        at = line or error.lineno
        problem = Problem(f"is not JSON: {error.msg}", file, at, error.colno)
    except UnicodeDecodeError as error:
        message = f"byte 0x{data[error.start]:02x} is not UTF-8"
        problem = Problem(message, file, line or 1, error.start + 1, accepted="UTF-8")
    except RecursionError:
        problem = Problem("is nested too deeply", file, line or 1, 1)
    raise InputError([problem])


def unexpected(path: Path, place: str, wanted: str, line: int = 0) -> NoReturn:
    """The file is not as its tool writes it: say where."""
    message = f"is not as the tool writes it: {place} should be {wanted}"
    raise InputError([Problem(message, str(path), line, int(line > 0))])


def field(found: Any, key: str, kind: type | tuple[type, ...], path: Path, line: int = 0) -> Any:
    """A value that the tool always writes; raises `InputError` where it is not there."""
    value = found.get(key) if isinstance(found, dict) else None
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        unexpected(path, f"`{key}`", " or ".join(_WORDS[one] for one in kinds), line)
    return value


_WORDS: Final = {
    dict: "an object",
    list: "a list",
    str: "a text",
    int: "a number",
    float: "a number",
}
