"""`gatekeeper build`: from a manifest to a release."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session

if TYPE_CHECKING:
    from gatekeeper.ops.build import Built


def build(
    manifest: Annotated[Path, typer.Argument(help="The manifest to build.")],
    rehash: Annotated[
        bool, typer.Option("--rehash", help="Read every model file again, whatever is remembered.")
    ] = False,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Pin, check, package and sign a release.

    Everything the manifest refers to becomes content or a digest; equal content gives an equal
    digest, on any machine. Model files are hashed once and not copied: of a model directory,
    README files and hidden files are left out.
    """
    from gatekeeper.cli import wiring
    from gatekeeper.ops.build import publish
    from gatekeeper.report import release as report

    session = Session(project, output)
    home = session.project
    document = wiring.read_manifest(home, manifest)
    models = wiring.models_of(home, rehash=rehash, progress=session.progress())
    built = wiring.build_in_memory(home, document, models)
    signer, key = wiring.release_signer(home)
    new = publish(built, document, wiring.store_of(home), signer)
    text = report.built(built.packed.release, built.warnings, key=key, new=new, width=session.width)
    session.emit(_document(built, document.file), text)


def _document(built: Built, manifest: str) -> dict[str, Any]:
    release = built.packed.release
    return {
        "name": release.name,
        "digest": release.digest,
        "components": dict(release.component_digests),
        "manifest": manifest,
        "warnings": [asdict(problem) for problem in built.warnings],
    }
