"""Files of a project that somebody named: inside it, regular, of a bounded size, or refused."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from gatekeeper.adapters.text import decode, faults
from gatekeeper.errors import InputError, Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.adapters.project import Project

TEXT_LIMIT: Final = 1 << 20
"""Bytes of a file that a person writes."""
MAX_FILES: Final = 100_000
"""Files of one directory tree."""

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def read_bytes(
    project: Project, path: Path | str, limit: int = TEXT_LIMIT, *, relative_to: Path | None = None
) -> bytes:
    """The content of a file of the project.

    Args:
        project: The project, which the file may not leave, by a link or otherwise.
        path: A relative path with forward slashes.
        limit: The most bytes it may have.
        relative_to: The directory that `path` is relative to; the project by default.

    Raises:
        UsageError: It is absent, outside the project, not a regular file, or not readable.
        InputError: It is larger than `limit`.
    """
    resolved = project.inside(path, relative_to=relative_to)
    return read_regular(resolved, project.relative(resolved), limit)


def read_text(
    project: Project, path: Path | str, limit: int = TEXT_LIMIT, *, relative_to: Path | None = None
) -> str:
    """Like `read_bytes`, decoded; raises `InputError` for anything but clean UTF-8."""
    resolved = project.inside(path, relative_to=relative_to)
    name = project.relative(resolved)
    return decode(read_regular(resolved, name, limit), name)


def walk(
    project: Project, directory: Path | str, *, relative_to: Path | None = None
) -> tuple[str, ...]:
    """The regular files below a directory of the project, as sorted paths relative to it.

    Links to files inside the project count as files; everything else that is neither file nor
    directory is refused by name, in one `InputError`. Hidden files are files too.
    """
    root = project.inside(directory, relative_to=relative_to)
    if not root.is_dir():
        what = "is not a directory" if root.exists() else "no such directory"
        raise UsageError(what, where=project.relative(root), fix="name a directory of the project")
    found: list[str] = []
    problems: list[Problem] = []
    for path in _entries(root):
        problem = _refusal(project, path)
        if problem:
            problems.append(problem)
        else:
            found.append(path.relative_to(root).as_posix())
        if len(found) > MAX_FILES:
            message = f"more than {MAX_FILES:,} files"
            raise InputError([Problem(message, file=project.relative(root))])
    if problems:
        raise InputError(problems)
    return tuple(sorted(found))


def read_regular(path: Path, name: str, limit: int) -> bytes:
    """The bytes of a regular file; never waits for a pipe or reads a device.

    Args:
        path: Resolved: its last part may not be a link.
        name: What to call it in an error.
        limit: The most bytes it may have.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise _unreadable(name, error) from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            kind = _KINDS.get(stat.S_IFMT(status.st_mode), "not a file")
            raise UsageError(f"is {kind}", where=name, fix="name a regular file")
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    finally:
        os.close(handle)
    if len(data) > limit:
        size = max(status.st_size, len(data))
        raise InputError([Problem(f"is {size:,} bytes", name, accepted=f"at most {limit:,} bytes")])
    return data


def _unreadable(name: str, error: OSError | ValueError) -> UsageError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return UsageError("no such file", where=name, fix="check the name and the directory")
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return UsageError(f"cannot be read: {reason}", where=name, fix="name a readable, regular file")


def _entries(root: Path) -> Iterator[Path]:
    """Everything below `root` that is not a real directory."""
    for directory, names, files in os.walk(root, onerror=_raise):
        for name in files + [name for name in names if (Path(directory) / name).is_symlink()]:
            yield Path(directory) / name


def _raise(error: OSError) -> NoReturn:
    raise _unreadable(_printable(str(error.filename)), error)


def _refusal(project: Project, path: Path) -> Problem | None:
    given = path.relative_to(project.root).as_posix()
    name = _printable(given)
    if name != given or faults(name, name):
        return Problem(
            "has a name that is not clean UTF-8", ascii(name), accepted="printable UTF-8"
        )
    accepted = "regular files, and links to such files inside the project"
    try:
        mode = project.inside(given).stat().st_mode
    except UsageError:
        return Problem("is a link that leaves the project", name, accepted=accepted)
    except OSError:
        return Problem("is a link to nothing", name, accepted=accepted)
    if stat.S_ISREG(mode):
        return None
    kind = _KINDS.get(stat.S_IFMT(mode), "not a file")
    link = "a link to " if path.is_symlink() else ""
    return Problem(f"is {link}{kind}", name, accepted=accepted)


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
