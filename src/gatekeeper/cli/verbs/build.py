"""`gatekeeper build`: from a manifest to a release."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session

if TYPE_CHECKING:
    from gatekeeper.adapters.project import Project
    from gatekeeper.adapters.yaml import Document
    from gatekeeper.model.manifest import ReleaseManifest
    from gatekeeper.ops.build import Built


def build(
    manifest: Annotated[Path, typer.Argument(help="The manifest to build.")],
    rehash: Annotated[
        bool, typer.Option("--rehash", help="Read every model file again, whatever is remembered.")
    ] = False,
    at: Annotated[
        str | None,
        typer.Option("--at", help="As everything was at this commit, branch or tag of git."),
    ] = None,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Pin, check, package and sign a release.

    Everything the manifest refers to becomes content or a digest; equal content gives an equal
    digest, on any machine. Model files are hashed once and not copied: of a model directory,
    README files and hidden files are left out. With --at the files are those of a commit; a model
    that git does not hold is the one of this checkout.
    """
    from gatekeeper.cli import wiring
    from gatekeeper.ops.build import publish
    from gatekeeper.report import release as report

    session = Session(project, output)
    home = session.project
    with wiring.as_it_was(home, at) if at is not None else nullcontext() as then:
        document = _read(home, then, manifest)
        models = wiring.models_of(home, rehash=rehash, progress=session.progress())
        built = wiring.build_in_memory(home, document, models, then=then)
        signer, key = wiring.release_signer(home)
        new = publish(built, document, wiring.store_of(home), signer)
    text = report.built(built.packed.release, built.warnings, key=key, new=new, width=session.width)
    session.emit(_document(built, document.file), text)


def _read(home: Project, then: Project | None, path: Path) -> Document[ReleaseManifest]:
    """The manifest as it is, or as it was under the name that it has now."""
    from gatekeeper.cli.wiring import read_manifest

    if then is None:
        return read_manifest(home, path)
    now = path if path.exists() or path.is_absolute() else home.root / path
    return read_manifest(then, then.root / home.relative(now))


def _document(built: Built, manifest: str) -> dict[str, Any]:
    release = built.packed.release
    return {
        "name": release.name,
        "digest": release.digest,
        "components": dict(release.component_digests),
        "manifest": manifest,
        "warnings": [asdict(problem) for problem in built.warnings],
    }
