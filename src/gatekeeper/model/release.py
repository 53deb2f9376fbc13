"""A built release: pinned, content-addressed, immutable."""

from __future__ import annotations

from pydantic import Field

from gatekeeper.model.base import ComponentName, Digest, Frozen, Name
from gatekeeper.model.components import Components, Governance
from gatekeeper.model.manifest import Evaluation, Metadata


class Release(Frozen):
    """A release as it is read back from a store, every digest already verified.

    Attributes:
        digest: sha256 of the OCI manifest: the identity.
        component_digests: sha256 of each component's layer.
    """

    name: Name
    digest: Digest
    component_digests: dict[ComponentName, Digest]
    governance: Governance
    components: Components

    @property
    def reference(self) -> str:
        """``name@sha256:…``."""
        return f"{self.name}@{self.digest}"


class ReleaseRecord(Frozen):
    """What a build says about a release beside its identity: authored facts and hints.

    Attributes:
        model_locations: Where each named model's files were found, relative to the project.
        taken: Components that are another release's, and whose; empty where all are as the
            manifest has them.
    """

    release: Digest
    metadata: Metadata
    evaluation: Evaluation = Evaluation()
    manifest: str
    manifest_digest: Digest
    model_locations: dict[str, str]
    built: str
    builder: str
    taken: dict[ComponentName, Digest] = Field(default_factory=dict)
