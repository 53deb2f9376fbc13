"""Releases and the statements about them, in an OCI image layout."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import ValidationError

from gatekeeper.adapters.layout import Layout, descriptor, manifest_descriptor
from gatekeeper.core import dsse, packing
from gatekeeper.core.canonical import canonical, short
from gatekeeper.core.refs import Ref, RefKind, parse_ref
from gatekeeper.errors import IntegrityError, UsageError
from gatekeeper.model.base import COMPONENTS
from gatekeeper.model.oci import (
    BUNDLE_CONTENT,
    BUNDLE_TYPE,
    CREATED,
    EMPTY_TYPE,
    MANIFEST_TYPE,
    PREDICATE_TYPE,
    REF_NAME,
    RELEASE_TYPE,
    TITLE,
    Descriptor,
    Manifest,
)
from gatekeeper.model.release import ReleaseRecord
from gatekeeper.model.statement import BUILD, Statement

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from gatekeeper.core.packing import Packed
    from gatekeeper.model.base import ComponentName
    from gatekeeper.model.release import Release

REBUILD = "build the release again"
SUBJECT = "dev.gatekeeper.subject"
"""Annotation in our own index: which manifest a statement is about, to find it without reading."""


_LARGEST_STATEMENT = 8192
"""Bytes of the manifest of a statement: each has one layer and three annotations."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A line of the index: a release's name and digest, nothing verified yet."""

    name: str
    digest: str


class ReleaseStore:
    """The content of one project; see `Layout` for how it is kept."""

    def __init__(self, root: Path) -> None:
        self.layout = Layout(root)

    def put(self, data: bytes) -> str:
        """Store a blob; returns its digest."""
        return self.layout.put(data)

    def get(self, digest: str) -> bytes:
        """A blob, verified; raises `IntegrityError`."""
        return self.layout.get(digest)

    def has(self, digest: str) -> bool:
        """Whether a blob is there (not whether it is sound)."""
        return self.layout.has(digest)

    # -- releases ---------------------------------------------------------------------------------

    def save(self, packed: Packed) -> str:
        """Store a release whole: content first, then the one line that makes it exist."""
        for data in packed.blobs.values():
            self.layout.put(data)
        digest = self.layout.put(packed.manifest)
        release = packed.release
        annotations = {
            TITLE: release.name,
            REF_NAME: f"{release.name}-{short(digest)}",
        }
        self.layout.add(
            manifest_descriptor(digest, len(packed.manifest), RELEASE_TYPE, annotations)
        )
        return digest

    def load(self, digest: str) -> Release:
        """A release, every byte of it verified; raises `IntegrityError` naming what is not."""
        manifest = self.layout.manifest(digest)
        release = packing.unpack(digest, manifest, self._read)
        self.documents(release)
        return release

    def _read(self, wanted: Descriptor) -> bytes:
        return self.layout.get(wanted.digest, wanted.size)

    def layers(self, digest: str) -> dict[ComponentName, Descriptor]:
        """The layers of a release that `load` has verified, by component."""
        return dict(zip(COMPONENTS, self.layout.manifest(digest).layers, strict=True))

    def documents(self, release: Release) -> dict[str, bytes]:
        """The snapshot of a release: its documents by path, verified."""
        layer = release.component_digests["retrieval"]
        retrieval = release.components.retrieval
        if not retrieval.documents:
            return {}
        return packing.documents(self.layout.get(layer), retrieval, layer)

    def document(self, release: Release, path: str) -> bytes:
        """One document of the snapshot."""
        documents = self.documents(release)
        if path not in documents:
            raise UsageError(f"has no document {path!r}", where=release.reference)
        return documents[path]

    def list(self) -> tuple[Stored, ...]:
        """Every release, in the order in which they were first or last stored."""
        return tuple(
            Stored(entry.annotation(TITLE), entry.digest)
            for entry in self.layout.index()
            if entry.artifact_type == RELEASE_TYPE
        )

    def resolve(self, text: str) -> str:
        """The digest that a name, a digest or the beginning of one stands for.

        Raises:
            UsageError: Nothing, or more than one thing, goes by that name.
        """
        ref = parse_ref(text)
        stored = self.list()
        found = [one for one in stored if _matches(ref, one)]
        if not found:  # a name may look like the beginning of a digest
            found = [one for one in stored if one.name == text]
        if len(found) == 1:
            return found[0].digest
        raise self._unresolved(text, found)

    def _unresolved(self, text: str, found: Sequence[Stored]) -> UsageError:
        if found:
            names = ", ".join(f"{item.name}@sha256:{short(item.digest)}" for item in found)
            return UsageError(
                f"{text!r} could be any of {names}", fix="give more digits of the digest"
            )
        known = ", ".join(sorted({item.name for item in self.list()})) or "nothing yet"
        return UsageError(
            f"no release {text!r} in the store, which holds {known}",
            where=str(self.layout.root),
            fix="see `gatekeeper list`, or build it with `gatekeeper build MANIFEST`",
        )

    # -- statements about them --------------------------------------------------------------------

    def attach(self, subject: str, bundle: bytes, predicate_type: str) -> str:
        """Store a signed statement beside its subject; returns the digest of its manifest."""
        return self.attach_all(subject, [(bundle, predicate_type)])[0]

    def attach_all(self, subject: str, statements: Sequence[tuple[bytes, str]]) -> tuple[str, ...]:
        """Store several statements (bundle, predicate type) beside one subject, together."""
        size = len(self.layout.get(subject))
        about = Descriptor(media_type=MANIFEST_TYPE, digest=subject, size=size)
        entries = [self._statement(about, bundle, kind) for bundle, kind in statements]
        self.layout.add(*entries)
        return tuple(entry.digest for entry in entries)

    def _statement(self, subject: Descriptor, bundle: bytes, predicate_type: str) -> Descriptor:
        self.layout.put(bundle)
        self.layout.put(b"{}")
        annotations = {
            CREATED: datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            BUNDLE_CONTENT: "dsse-envelope",
            PREDICATE_TYPE: predicate_type,
        }
        manifest = Manifest(
            media_type=MANIFEST_TYPE,
            artifact_type=BUNDLE_TYPE,
            config=descriptor(b"{}", EMPTY_TYPE),
            layers=(descriptor(bundle, BUNDLE_TYPE),),
            subject=subject,
            annotations=annotations,
        )
        digest, size = self.layout.put_manifest(manifest)
        named = {**annotations, REF_NAME: f"att-{short(digest)}", SUBJECT: subject.digest}
        return manifest_descriptor(digest, size, BUNDLE_TYPE, named)

    def referrers(
        self, subject: str, predicate_type: str | None = None
    ) -> tuple[tuple[str, bytes], ...]:
        """The statements about `subject`: (digest of its manifest, bundle), oldest first.

        The bytes are verified, the signatures are not: that takes a keyring.
        """
        return tuple(
            (entry.digest, self._bundle(entry, subject))
            for entry in self.layout.index()
            if entry.annotation(SUBJECT) == subject
            and predicate_type in (None, entry.annotation(PREDICATE_TYPE))
        )

    def unlisted(self, subject: str, predicate_type: str) -> tuple[bytes, ...]:
        """Statements about `subject` that are stored, and that the index does not name.

        A process that was killed can leave one; so can somebody who wants it gone.
        """
        found = []
        for manifest in self.layout.unlisted(_LARGEST_STATEMENT):
            kind = (manifest.annotations or {}).get(PREDICATE_TYPE)
            about = manifest.subject.digest if manifest.subject else None
            if (about, kind) == (subject, predicate_type) and manifest.layers:
                with suppress(IntegrityError):
                    found.append(self._read(manifest.layers[0]))
        return tuple(found)

    def forget_damaged(self, subject: str, predicate_types: Collection[str]) -> None:
        """Drop statements about `subject` that cannot be read any more, to be made again.

        Only for kinds that can be made again at will: a verdict that is damaged must stay in the
        way, or damaging the newest would bring an older one back.
        """
        for entry in self.layout.index():
            kind = entry.annotation(PREDICATE_TYPE)
            if entry.annotation(SUBJECT) == subject and kind in predicate_types:
                try:
                    self._bundle(entry, subject)
                except IntegrityError:
                    self.layout.forget(entry.digest)

    def statements(self, subject: str) -> tuple[tuple[str, str, str], ...]:
        """Predicate type, time and digest of every statement about `subject`, oldest first."""
        return tuple(
            (entry.annotation(PREDICATE_TYPE), entry.annotation(CREATED), entry.digest)
            for entry in self.layout.index()
            if entry.annotation(SUBJECT) == subject
        )

    def record(self, digest: str) -> ReleaseRecord | None:
        """What the newest build said about a release; None where there is no statement.

        Its signature is not verified here: these are hints and labels, never identity.
        """
        bundles = self.referrers(digest, BUILD)
        if not bundles:
            return None
        name, bundle = bundles[-1]
        try:
            statement = Statement.model_validate_json(dsse.parse(bundle, where=name).payload)
            return ReleaseRecord.model_validate_json(canonical(statement.predicate))
        except ValidationError as error:
            raise IntegrityError(
                f"is no build record: {error.errors()[0]['msg']}", where=name, fix=REBUILD
            ) from None

    def _bundle(self, entry: Descriptor, subject: str) -> bytes:
        manifest = self.layout.manifest(entry.digest, entry.size)
        if manifest.subject is None or manifest.subject.digest != subject or not manifest.layers:
            raise IntegrityError(f"is not about {subject}", where=entry.digest)
        return self._read(manifest.layers[0])


def _matches(ref: Ref, stored: Stored) -> bool:
    if ref.kind in (RefKind.digest, RefKind.prefix):
        named = ref.name in (None, stored.name)
        return named and stored.digest.startswith(ref.value)
    return ref.kind is RefKind.name and stored.name == ref.value
