"""Releases built from small projects, as the command line builds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builders import manifest, write_manifest
from gatekeeper.adapters.project import Project
from gatekeeper.cli import wiring
from gatekeeper.core import packing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gatekeeper.adapters.store import ReleaseStore
    from gatekeeper.core.packing import Packed
    from gatekeeper.ops.build import Built


def built(root: Path, name: str = "desk-v1") -> Built:
    """Build a manifest of a project in memory."""
    project = Project(root.resolve())
    document = wiring.read_manifest(project, root / "manifests" / f"{name}.yaml")
    return wiring.build_in_memory(project, document, wiring.models_of(project))


def rebuilt(root: Path, edit: Callable[[dict[str, Any]], object]) -> Built:
    """Change a copy of the manifest and build it."""
    content = manifest()
    edit(content)
    write_manifest(root, content)
    return built(root)


def saved(root: Path, name: str = "desk-v1") -> tuple[ReleaseStore, Packed]:
    """Build a manifest and store the release, unsigned."""
    packed = built(root, name).packed
    store = wiring.store_of(Project(root.resolve()))
    store.save(packed)
    return store, packed


def repack(packed: Packed, component: str, **changes: Any) -> Packed:
    """The same release with fields of one component replaced; documents are dropped."""
    release = packed.release
    part = getattr(release.components, component).model_copy(update=changes)
    components = release.components.model_copy(update={component: part})
    return packing.pack(release.name, release.governance, components, {})
