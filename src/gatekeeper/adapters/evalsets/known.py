"""What is remembered of a set that was checked in full, as long as its digest stays the same."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from array import array
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import gatekeeper
from gatekeeper.adapters.atomic import replace, sync_directory
from gatekeeper.adapters.evalsets.loaded import Lines
from gatekeeper.core.canonical import digest
from gatekeeper.errors import IntegrityError, UnavailableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatekeeper.adapters.hashing import FileHasher

FORM: Final = 1
"""Changes when what is checked of samples changes, or what is kept here."""


@dataclass(frozen=True, slots=True)
class Known:
    """The memory of one set, in a directory that may be lost at any time.

    `set.json` is written last and vouches for the others by their digests.
    """

    directory: Path

    @property
    def samples(self) -> Path:
        """The converted samples, where the source is not JSON Lines of samples itself."""
        return self.directory / "samples.jsonl"

    def lines(self, path: Path, hasher: FileHasher) -> Lines | None:
        """The lines of a set that was checked, or None where that is not known for sure.

        Args:
            path: Where the samples are: the source's own file, or `samples`.
            hasher: Vouches for the converted samples.
        """
        note = self.note
        try:
            data = (self.directory / "offsets").read_bytes()
        except OSError:
            return None
        if note.get("form") != _form() or note.get("offsets") != digest(data):
            return None
        if path == self.samples and note.get("samples") != _hash(hasher, path):
            return None
        offsets = array("Q")
        offsets.frombytes(data)
        return Lines(path, offsets)

    def remember(
        self, offsets: array[int], hasher: FileHasher, header: str, *, converted: bool
    ) -> None:
        """Note that every sample was checked, and forget what the same header had before.

        Args:
            offsets: Where the lines of the samples begin.
            hasher: Vouches for the converted samples.
            header: The header's file.
            converted: Whether `samples` was written.
        """
        data = offsets.tobytes()
        replace(self.directory / "offsets", data)
        samples = _hash(hasher, self.samples) if converted else None
        note = {"form": _form(), "header": header, "offsets": digest(data), "samples": samples}
        replace(self.directory / "set.json", json.dumps(note).encode())
        for other in map(Known, self.directory.parent.iterdir()):
            if other != self and other.note.get("header") == header:
                shutil.rmtree(other.directory, ignore_errors=True)

    @contextmanager
    def writing(self) -> Iterator[BinaryIO]:
        """A file that becomes `samples` when nothing was raised; the disk may be full."""
        temporary = None
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self.directory, prefix=".tmp-")
            os.close(handle)
            with open(temporary, "wb") as file:  # noqa: PTH123 - mkstemp gives a string
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.samples)  # noqa: PTH105 - mkstemp gives a string
            temporary = None
            sync_directory(self.directory)
        except OSError as error:
            raise UnavailableError(
                f"cannot be written: {error.strerror}",
                where=str(self.samples),
                fix="free space, or allow it",
            ) from error
        finally:
            if temporary is not None:
                os.unlink(temporary)  # noqa: PTH108 - mkstemp gives a string
                with suppress(OSError):  # something else is in it
                    self.directory.rmdir()

    @property
    def note(self) -> dict[str, Any]:
        """What `set.json` says; nothing where it is damaged or absent."""
        try:
            value = json.loads((self.directory / "set.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}


def _form() -> str:
    return f"{gatekeeper.__version__}/{FORM}"


def _hash(hasher: FileHasher, path: Path) -> str | None:
    try:
        return hasher.digests([path])[path][1]
    except (UnavailableError, UsageError, IntegrityError):
        return None
