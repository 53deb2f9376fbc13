"""An uncompressed USTAR archive that depends on names and bytes alone."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

from gatekeeper.errors import InputError, IntegrityError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping


def pack(files: Mapping[str, bytes], *, first: str) -> bytes:
    """Archive `files` by path: `first`, then the others sorted; fixed modes, owners and times.

    Raises `InputError` for paths that USTAR cannot hold (over 100 bytes after the last part that
    fits its prefix, 255 in all).
    """
    order = [first, *sorted(name for name in files if name != first)]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in order:
            archive.addfile(_header(name, len(files[name])), io.BytesIO(files[name]))
    return buffer.getvalue()


def _header(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o644, 0
    try:
        info.tobuf(tarfile.USTAR_FORMAT)
    except ValueError as error:
        raise InputError(
            [Problem("the path is too long for an archive", file=name, accepted="255 bytes")]
        ) from error
    return info


def unpack(data: bytes, *, where: str) -> dict[str, bytes]:
    """The regular files of an archive made by `pack`; raises `IntegrityError` for anything else."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            members = archive.getmembers()
            files = {member.name: _content(archive, member) for member in members}
    except (tarfile.TarError, OSError, EOFError) as error:
        raise IntegrityError(f"is not a readable archive: {error}", where=where) from error
    if len(files) != len(members):
        raise IntegrityError("names one file twice", where=where)
    return files


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member) if member.isreg() else None
    if file is None:
        raise tarfile.ReadError(f"{member.name!r} is no regular file")
    content = file.read()
    if len(content) != member.size:
        raise tarfile.ReadError(f"{member.name!r} is cut short")
    return content
