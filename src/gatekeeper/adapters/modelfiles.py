"""Are the model files of a release on this machine, and are they the ones it was built from?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.errors import IntegrityError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatekeeper.adapters.hashing import FileHasher
    from gatekeeper.model.components import FileDigest
    from gatekeeper.model.release import Release

SHOWN = 5


def check_models(
    release: Release, locations: Mapping[str, str], root: Path, hasher: FileHasher
) -> None:
    """Hash every file of every pinned model and compare.

    Args:
        release: The release.
        locations: Where each model is, relative to `root`: a hint, as it proves nothing.
        root: The project.
        hasher: Remembers the digests of files that were not touched.

    Raises:
        IntegrityError: A file is not the one that the release pins; names them.
        UnavailableError: A file is not there.
    """
    absent: list[str] = []
    altered: list[str] = []
    for name, model in release.components.model.models.items():
        if model.pinned:
            directory = root / locations.get(name, "")
            missing, other = _compare(directory, model.files, hasher)
            absent += [f"{name}: {path}" for path in missing]
            altered += [f"{name}: {path}" for path in other]
    if altered:
        raise IntegrityError(
            f"model files have been altered: {_some(altered)}",
            where=release.reference,
            fix="restore them, or build and evaluate what is there as a new release",
        )
    if absent:
        raise UnavailableError(
            f"model files are not on this machine: {_some(absent)}",
            where=release.reference,
            fix="copy them to where the release was built from",
        )


def _compare(
    directory: Path, files: tuple[FileDigest, ...], hasher: FileHasher
) -> tuple[list[str], list[str]]:
    """Paths of files that are absent, and of files that are others."""
    paths = {file.path: directory / file.path for file in files}
    absent = [name for name, path in paths.items() if not path.is_file()]
    found = hasher.digests([path for name, path in paths.items() if name not in absent])
    altered = [
        file.path
        for file in files
        if file.path not in absent and found[paths[file.path]] != (file.size, file.sha256)
    ]
    return absent, altered


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
