"""Zip archives whose members may be compressed with Zstandard, which `zipfile` cannot read yet."""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.importers.files import DOCUMENT_LIMIT, parse
from gatekeeper.errors import InputError, Problem

if TYPE_CHECKING:
    from pathlib import Path

ZSTANDARD: Final = 93
_LOCAL_HEADER: Final = struct.Struct("<26xHH")


class Archive:
    """The members of a zip, by name; raises `InputError` for a damaged one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with zipfile.ZipFile(path) as found:
                self._members = {one.filename: one for one in found.infolist()}
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise self._damaged(f"is not a sound zip archive: {error}") from None

    @property
    def names(self) -> tuple[str, ...]:
        """In the order in which they were written."""
        return tuple(self._members)

    def document(self, name: str) -> Any:
        """A member as JSON."""
        member = self._members.get(name)
        if member is None:
            raise self._damaged(f"has no member {name}")
        if member.file_size > DOCUMENT_LIMIT:
            what = f"{name} is {member.file_size:,} bytes"
            raise self._damaged(what, f"at most {DOCUMENT_LIMIT:,} bytes")
        return parse(self._bytes(member), f"{self._path}!{name}")

    def _bytes(self, member: zipfile.ZipInfo) -> bytes:
        try:
            data = self._unpacked(member)
        except Exception as error:  # noqa: BLE001 - whatever a decompressor says of broken bytes
            raise self._damaged(f"{member.filename} cannot be unpacked: {error}") from None
        if zlib.crc32(data) != member.CRC or len(data) != member.file_size:
            raise self._damaged(f"{member.filename} is not what its checksum says")
        return data

    def _unpacked(self, member: zipfile.ZipInfo) -> bytes:
        """The content; read here, since opening the archive reads the names of all members."""
        import zstandard

        with self._path.open("rb") as file:
            file.seek(member.header_offset)
            lengths = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
            file.seek(sum(lengths), 1)
            packed = file.read(member.compress_size)
        if member.compress_type == zipfile.ZIP_STORED:
            return packed
        if member.compress_type == zipfile.ZIP_DEFLATED:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, member.file_size + 1)
        if member.compress_type != ZSTANDARD:
            raise ValueError(f"compression method {member.compress_type} is not known")
        with zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as reader:
            return reader.read(member.file_size + 1)

    def _damaged(self, what: str, accepted: str = "") -> InputError:
        return InputError([Problem(what, str(self._path), accepted=accepted)])
