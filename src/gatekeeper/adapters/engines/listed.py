"""What lies beside verified files could change how they are read: it is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.adapters.models import belongs
from gatekeeper.errors import IntegrityError

if TYPE_CHECKING:
    from gatekeeper.ports import ModelFiles


def refuse_unlisted(name: str, files: ModelFiles, directory: str = "") -> None:
    """Refuse files of a directory that the release does not list.

    README files and hidden ones are part of no model, and no engine reads them.

    Args:
        name: What the release calls the model.
        files: Its verified files.
        directory: The directory that the engine reads, relative to them; not what is below it.

    Raises:
        IntegrityError: There are such files; it names every one.
    """
    there = {
        path.relative_to(files.root).as_posix()
        for path in (files.root / directory).iterdir()
        if not path.is_dir()
    }
    extra = sorted(path for path in there - set(files.files) if belongs(path))
    if extra:
        raise IntegrityError(
            f"the model {name!r} has files that the release does not list: {', '.join(extra)}",
            where=str(files.root),
            fix="remove them, or build the release again",
        )
