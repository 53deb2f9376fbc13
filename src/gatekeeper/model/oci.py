"""The few OCI documents that releases and their evidence are made of."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AliasGenerator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from gatekeeper.model.base import ComponentName, Digest, Name
from gatekeeper.model.components import Governance

MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE: Final = "application/vnd.oci.image.index.v1+json"
EMPTY_TYPE: Final = "application/vnd.oci.empty.v1+json"
RELEASE_TYPE: Final = "application/vnd.gatekeeper.release.v1"
CONFIG_TYPE: Final = "application/vnd.gatekeeper.release.config.v1+json"
BUNDLE_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
TITLE: Final = "org.opencontainers.image.title"
REF_NAME: Final = "org.opencontainers.image.ref.name"
CREATED: Final = "org.opencontainers.image.created"
BUNDLE_CONTENT: Final = "dev.sigstore.bundle.content"
PREDICATE_TYPE: Final = "dev.sigstore.bundle.predicateType"

Size = Annotated[int, Field(ge=0, le=2**53)]


class Oci(BaseModel):
    """Frozen; keys that others add are kept, because a manifest is never written back changed."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        strict=True,
        populate_by_name=True,
        alias_generator=AliasGenerator(alias=to_camel),
        serialize_by_alias=True,
    )

    def document(self) -> dict[str, Any]:
        """As JSON holds it, absent keys left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Descriptor(Oci):
    """Where some bytes are and what they must be."""

    media_type: str
    digest: Digest
    size: Size
    artifact_type: str | None = None
    annotations: dict[str, str] | None = None

    def annotation(self, key: str) -> str:
        """One annotation, or an empty string."""
        return (self.annotations or {}).get(key, "")


class Manifest(Oci):
    """An OCI image manifest: of a release, or of a statement about one (`subject`)."""

    schema_version: Literal[2] = 2
    media_type: Literal["application/vnd.oci.image.manifest.v1+json"]
    artifact_type: str | None = None
    config: Descriptor
    layers: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None


class Index(Oci):
    """An OCI image index: the names of a layout."""

    schema_version: Literal[2] = 2
    media_type: Literal["application/vnd.oci.image.index.v1+json"] | None = None
    manifests: tuple[Descriptor, ...] = ()


class ReleaseConfig(Oci):
    """The config blob of a release: what is not in any component."""

    schema_version: Literal[1] = 1
    name: Name
    governance: Governance
    components: dict[ComponentName, Digest]


def component_type(name: ComponentName, *, archive: bool) -> str:
    """The media type of one component's layer: canonical JSON, or a USTAR archive."""
    return f"application/vnd.gatekeeper.{name}.v1+{'tar' if archive else 'json'}"
