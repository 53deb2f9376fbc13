"""Composition: the adapters of one invocation, and what a REF means."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gatekeeper.errors import IntegrityError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.adapters.keyring import KeyDirectory
    from gatekeeper.adapters.models import ModelLibrary
    from gatekeeper.adapters.project import Project
    from gatekeeper.adapters.store import ReleaseStore
    from gatekeeper.adapters.yaml import Document
    from gatekeeper.cli.session import Session
    from gatekeeper.model.components import PinnedModel
    from gatekeeper.model.manifest import ReleaseManifest
    from gatekeeper.ops.build import Built
    from gatekeeper.ports import FoundModel, Progress, Signer, Tokenizer

CHECKOUTS: Final = "checkouts"
"""Where files of the project as it was are put, in its state."""


def store_of(project: Project) -> ReleaseStore:
    """The releases of a project."""
    from gatekeeper.adapters.store import ReleaseStore

    return ReleaseStore(project.store)


def keys_of(project: Project) -> KeyDirectory:
    """The keys of a project."""
    from gatekeeper.adapters.keyring import KeyDirectory

    return KeyDirectory(project.keys, project.state)


def release_signer(project: Project) -> tuple[Signer, str]:
    """The key that signs releases here, and what to call it."""
    directory = keys_of(project)
    keyring = directory.keyring()
    signer = directory.signer(keyring, "release")
    key = next(key for key in keyring.keys if key.id == signer.key_id)
    return signer, f"{'development ' if key.development else ''}key {key.id[:12]}"


def models_of(
    project: Project, *, rehash: bool = False, progress: Progress | None = None
) -> ModelLibrary:
    """The models on this machine; `rehash` trusts no remembered digest."""
    from gatekeeper.adapters.hashing import FileHasher
    from gatekeeper.adapters.models import ModelLibrary

    hasher = FileHasher(project.cache / "files.jsonl", fresh=rehash, progress=progress)
    return ModelLibrary(project, hasher)


def read_manifest(project: Project, path: Path) -> Document[ReleaseManifest]:
    """A release manifest: a path from the working directory, or from the project's root."""
    from gatekeeper.adapters import yaml
    from gatekeeper.model.manifest import ReleaseManifest

    if not path.exists() and not path.is_absolute():
        path = project.root / path
    return yaml.read(path, ReleaseManifest, root=project.root)


def build_in_memory(
    project: Project,
    document: Document[ReleaseManifest],
    models: ModelLibrary,
    *,
    then: Project | None = None,
) -> Built:
    """Pin, check and pack a manifest; nothing is written but the cache of file digests.

    Args:
        project: What the release is for.
        document: The manifest.
        models: Of the project.
        then: The project as it was, where that is what is built.
    """
    from gatekeeper.adapters.sources import ProjectSources
    from gatekeeper.ops.build import build

    return build(document, ProjectSources(then or project, models, project), tokenizer_of)


@contextmanager
def as_it_was(project: Project, revision: str) -> Iterator[Project]:
    """The files of a project at a commit, put into its state; raises `UsageError`.

    Files of other commits that nobody used for long are removed afterwards, unless a release of the
    store has a model there.
    """
    from gatekeeper.adapters.cached_directories import CachedDirectories
    from gatekeeper.adapters.git import Checkout
    from gatekeeper.adapters.project import Project

    checkout = Checkout.at(project.root)
    commit = checkout.commit(revision)
    kept = CachedDirectories(project.state / CHECKOUTS)
    with kept.in_use():
        found = checkout.put(commit, kept.root / commit)
        kept.used(kept.root / commit)
        yield Project(found)
    with suppress(IntegrityError):  # a record that cannot be read may refer to any
        kept.prune(_referred(project))


def _referred(project: Project) -> set[str]:
    """Checkouts that hold models of stored releases."""
    store = store_of(project)
    records = [store.record(one.digest) for one in store.list()]
    places = [place for one in records if one for place in one.model_locations.values()]
    below = f"{project.relative(project.state)}/{CHECKOUTS}/"
    return {one.removeprefix(below).split("/")[0] for one in places if one.startswith(below)}


def tokenizer_of(model: PinnedModel, found: FoundModel) -> Tokenizer | None:
    """The tokenizer of a model on disk; None where it has none."""
    from gatekeeper.adapters.tokenizer import ChatTokenizer

    if found.root is None or not (found.root / "tokenizer.json").is_file():
        return None
    return ChatTokenizer.load(found.root, model.chat_template)


def resolve_ref(session: Session, text: str) -> str:
    """The digest of the release that a REF names.

    Raises:
        UsageError: It names nothing, or more than one thing, that is in the store.
        UndecidedError: It is an environment in which nothing is active.
        InputError: It is a manifest that cannot be built.
    """
    from gatekeeper.core.refs import RefKind, parse_ref

    project = session.project
    ref = parse_ref(text)
    if ref.kind is RefKind.environment:
        from gatekeeper.cli.environments import active

        return active(project, ref.value)
    if ref.kind is RefKind.manifest:
        return _of_manifest(project, ref.value)
    return store_of(project).resolve(text)


def _of_manifest(project: Project, path: str) -> str:
    document = read_manifest(project, Path(path))
    digest = build_in_memory(project, document, models_of(project)).packed.release.digest
    if not store_of(project).has(digest):
        raise UsageError(
            "the release that this manifest describes now has not been built",
            where=document.file,
            fix=f"build it first: `gatekeeper build {document.file}`",
        )
    return digest
