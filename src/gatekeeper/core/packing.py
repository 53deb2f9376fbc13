"""A release as bytes, and back: one OCI manifest, one config, one layer a component."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from gatekeeper.core.archive import pack as pack_archive
from gatekeeper.core.archive import unpack as unpack_archive
from gatekeeper.core.canonical import canonical, canonical_model, digest
from gatekeeper.errors import IntegrityError
from gatekeeper.model.base import COMPONENTS, ComponentName
from gatekeeper.model.components import Components, Governance
from gatekeeper.model.oci import (
    CONFIG_TYPE,
    MANIFEST_TYPE,
    RELEASE_TYPE,
    TITLE,
    Descriptor,
    Manifest,
    ReleaseConfig,
    component_type,
)
from gatekeeper.model.release import Release

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gatekeeper.model.components import Retrieval

SPECIFICATION = "component.json"
DOCUMENTS = "documents/"
UPGRADE = "use the gatekeeper that built it, or a newer one"


@dataclass(frozen=True, slots=True)
class Packed:
    """A release ready to be stored; nothing has been written yet.

    Attributes:
        manifest: The bytes whose sha256 is the identity.
        blobs: Config and layers by digest.
    """

    release: Release
    manifest: bytes
    blobs: Mapping[str, bytes]


def pack(
    name: str, governance: Governance, components: Components, documents: Mapping[str, bytes]
) -> Packed:
    """Pack pinned components and the bytes of the snapshot's documents, by path."""
    layers: dict[ComponentName, Descriptor] = {}
    blobs: dict[str, bytes] = {}
    for component in COMPONENTS:
        archive = component == "retrieval" and bool(documents)
        data = canonical_model(getattr(components, component))
        if archive:
            data = _archive(data, documents)
        layers[component] = _layer(component, data, archive=archive)
        blobs[layers[component].digest] = data
    return combine(name, governance, components, layers, blobs)


def combine(
    name: str,
    governance: Governance,
    components: Components,
    layers: Mapping[ComponentName, Descriptor],
    blobs: Mapping[str, bytes],
) -> Packed:
    """A release of layers that exist, one a component; `blobs` are those not stored yet."""
    digests = {component: layers[component].digest for component in COMPONENTS}
    config = canonical(
        ReleaseConfig(name=name, governance=governance, components=digests).document()
    )
    listed = tuple(layers[component] for component in COMPONENTS)
    manifest = canonical(_manifest(config, listed).document())
    release = Release(
        name=name,
        digest=digest(manifest),
        component_digests=digests,
        governance=governance,
        components=components,
    )
    return Packed(release, manifest, {**blobs, digest(config): config})


def _archive(specification: bytes, documents: Mapping[str, bytes]) -> bytes:
    files = {DOCUMENTS + path: data for path, data in documents.items()}
    return pack_archive({SPECIFICATION: specification, **files}, first=SPECIFICATION)


def _layer(component: ComponentName, data: bytes, *, archive: bool) -> Descriptor:
    return Descriptor(
        media_type=component_type(component, archive=archive),
        digest=digest(data),
        size=len(data),
        annotations={TITLE: f"{component}.{'tar' if archive else 'json'}"},
    )


def _manifest(config: bytes, layers: tuple[Descriptor, ...]) -> Manifest:
    return Manifest(
        media_type=MANIFEST_TYPE,
        artifact_type=RELEASE_TYPE,
        config=Descriptor(media_type=CONFIG_TYPE, digest=digest(config), size=len(config)),
        layers=layers,
    )


def unpack(name: str, manifest: Manifest, read: Callable[[Descriptor], bytes]) -> Release:
    """The release of a verified manifest.

    Args:
        name: Digest of the manifest.
        manifest: The manifest.
        read: Gives the verified bytes of a descriptor.

    Raises:
        IntegrityError: The parts are sound but do not make a release together.
    """
    if manifest.artifact_type != RELEASE_TYPE:
        raise IntegrityError(
            "is not a release", where=name, fix="name a release: `gatekeeper list`"
        )
    config = _parse(ReleaseConfig.model_validate_json, read(manifest.config), "config", name)
    layers = dict(zip(COMPONENTS, manifest.layers, strict=False))
    found = {component: layer.digest for component, layer in layers.items()}
    if found != config.components or len(manifest.layers) != len(COMPONENTS):
        raise IntegrityError("its config and its layers disagree", where=name, fix=UPGRADE)
    specifications = {
        component: specification(read(layer), layer) for component, layer in layers.items()
    }
    components = _parse(Components.model_validate_json, _join(specifications), "components", name)
    return Release(
        name=config.name,
        digest=name,
        component_digests=config.components,
        governance=config.governance,
        components=components,
    )


def specification(data: bytes, layer: Descriptor) -> bytes:
    """The canonical JSON of a component's layer."""
    if layer.media_type.endswith("+tar"):
        return unpack_archive(data, where=layer.digest).get(SPECIFICATION, b"null")
    return data


def documents(data: bytes, retrieval: Retrieval, layer: str) -> dict[str, bytes]:
    """The snapshot in a retrieval layer: every document that the component names, verified."""
    if not retrieval.documents:
        return {}
    files = unpack_archive(data, where=layer)
    found = {}
    for document in retrieval.documents:
        content = files.get(DOCUMENTS + document.path)
        if content is None or hashlib.sha256(content).hexdigest() != document.sha256:
            raise IntegrityError(f"document {document.path!r} is not what it says", where=layer)
        found[document.path] = content
    return found


def _join(specifications: Mapping[ComponentName, bytes]) -> bytes:
    parts = (f'"{name}":'.encode() + data for name, data in specifications.items())
    return b"{" + b",".join(parts) + b"}"


def _parse(parse: Callable[[bytes], Any], data: bytes, part: str, where: str) -> Any:
    try:
        return parse(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise IntegrityError(
            f"its {part} cannot be read: {place}: {first['msg']}", where=where, fix=UPGRADE
        ) from None
