"""An OCI image layout in a directory: blobs by digest, and one index of manifests."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
from typing import TYPE_CHECKING

from pydantic import ValidationError

from gatekeeper.adapters.atomic import locked, replace
from gatekeeper.core.canonical import canonical, digest
from gatekeeper.errors import IntegrityError, UnavailableError, UsageError
from gatekeeper.model.oci import INDEX_TYPE, MANIFEST_TYPE, Descriptor, Index, Manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REPAIR = "restore it from another copy of the store, or build the release again"
_DIGEST = re.compile(r"^sha256:[0-9a-f]{64}\Z")


class Layout:
    """Content-addressed bytes under `root`; every read is verified, every write is atomic."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, blob: str) -> Path:
        """Where a blob is, or would be."""
        if not _DIGEST.match(blob):
            raise UsageError(f"{blob!r} is no digest", fix="use sha256: and 64 hex digits")
        return self.root / "blobs" / "sha256" / blob.removeprefix("sha256:")

    def has(self, blob: str) -> bool:
        """Whether there is a blob (not whether it is sound)."""
        return self.path(blob).is_file()

    def put(self, data: bytes) -> str:
        """Store bytes; what is there and sound is left alone, what is damaged is replaced."""
        name = digest(data)
        try:
            if self.get(name) == data:
                return name
        except IntegrityError:
            replace(self.path(name), data)
        return name

    def get(self, blob: str, size: int | None = None) -> bytes:
        """The bytes of a blob.

        Raises:
            IntegrityError: It is missing, of another length than `size`, or altered.
        """
        path = self.path(blob)
        data = self._read(path, blob, size)
        if hashlib.sha256(data).hexdigest() != path.name:
            raise self._refused(blob, f"has been altered: its bytes are {digest(data)}")
        return data

    def _read(self, path: Path, blob: str, size: int | None) -> bytes:
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise self._refused(blob, "is missing") from None
        except OSError as error:
            raise self._refused(blob, f"cannot be read: {error.strerror}") from None
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            os.close(handle)
            raise self._refused(blob, "is not a regular file")
        with os.fdopen(handle, "rb") as file:
            if size is not None and status.st_size != size:
                raise self._refused(blob, f"has {status.st_size} bytes, not {size}")
            return file.read()

    def _refused(self, blob: str, what: str) -> IntegrityError:
        return IntegrityError(f"blob {blob} {what}", where=str(self.path(blob)), fix=REPAIR)

    def manifest(self, name: str, size: int | None = None) -> Manifest:
        """A manifest, verified and taken apart."""
        data = self.get(name, size)
        try:
            return Manifest.model_validate_json(data)
        except ValidationError as error:
            raise self._refused(name, f"is no OCI manifest: {_first(error)}") from None

    def put_manifest(self, manifest: Manifest) -> tuple[str, int]:
        """Store a manifest in canonical form; returns its digest and size."""
        data = canonical(manifest.document())
        return self.put(data), len(data)

    def index(self) -> tuple[Descriptor, ...]:
        """The descriptors of `index.json`, in order; empty where nothing was ever stored."""
        path = self.root / "index.json"
        try:
            return Index.model_validate_json(path.read_bytes()).manifests
        except FileNotFoundError:
            return ()
        except ValidationError as error:
            raise IntegrityError(
                f"the index of the store is damaged: {_first(error)}", where=str(path), fix=REPAIR
            ) from None
        except OSError as error:
            raise UnavailableError(f"cannot be read: {error.strerror}", where=str(path)) from error

    def unlisted(self, largest: int) -> Iterator[Manifest]:
        """Sound manifests of at most `largest` bytes that the index does not have."""
        listed = {entry.digest.removeprefix("sha256:") for entry in self.index()}
        try:
            found = sorted(os.scandir(self.root / "blobs" / "sha256"), key=lambda one: one.name)
        except FileNotFoundError:
            return
        for entry in found:
            if entry.name in listed or entry.stat().st_size > largest:
                continue
            with contextlib.suppress(IntegrityError, UsageError):
                yield self.manifest(f"sha256:{entry.name}")

    def add(self, *entries: Descriptor) -> None:
        """Add manifests to the index, together; an entry for the same digest is replaced."""
        self._rewrite({entry.digest for entry in entries}, entries)

    def forget(self, *digests: str) -> None:
        """Take manifests out of the index; their bytes stay."""
        self._rewrite(set(digests), ())

    def _rewrite(self, out: set[str], entries: tuple[Descriptor, ...]) -> None:
        with locked(self.root / ".lock"):
            old = self.index()
            manifests = tuple(entry for entry in old if entry.digest not in out) + entries
            if manifests == old:
                return
            index = Index(media_type=INDEX_TYPE, manifests=manifests)
            replace(self.root / "oci-layout", canonical({"imageLayoutVersion": "1.0.0"}))
            replace(self.root / "index.json", canonical(index.document()))


def descriptor(
    data: bytes, media_type: str, *, annotations: dict[str, str] | None = None
) -> Descriptor:
    """The descriptor of some bytes."""
    return Descriptor(
        media_type=media_type, digest=digest(data), size=len(data), annotations=annotations
    )


def manifest_descriptor(
    name: str, size: int, artifact_type: str, annotations: dict[str, str]
) -> Descriptor:
    """The descriptor by which an index names a manifest."""
    return Descriptor(
        media_type=MANIFEST_TYPE,
        digest=name,
        size=size,
        artifact_type=artifact_type,
        annotations=annotations,
    )


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in found["loc"])
    return f"{place}: {found['msg']}" if place else str(found["msg"])
