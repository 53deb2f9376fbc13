"""The bundled example as benchmarks use it: its first release, running."""

from __future__ import annotations

import json
import shutil
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.adapters.assembly import Means, open_pipeline
from gatekeeper.adapters.hashing import FileHasher
from gatekeeper.adapters.models import ModelLibrary
from gatekeeper.adapters.project import Project
from gatekeeper.adapters.sources import ProjectSources
from gatekeeper.adapters.store import ReleaseStore
from gatekeeper.cli.pipelines import prices_of
from gatekeeper.cli.wiring import read_manifest, tokenizer_of
from gatekeeper.model.envelope import RequestEnvelope
from gatekeeper.ops.build import build

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gatekeeper.pipeline.pipeline import Pipeline

ROOT = Path(__file__).parents[1]


@asynccontextmanager
async def opened(root: Path, engine: str | None = None) -> AsyncIterator[Pipeline]:
    """The example's first release in a new project at `root`, served by `engine`."""
    for name in ("manifests", "gates", "models/support-desk"):
        shutil.copytree(ROOT / name, root / name)
    (root / ".gatekeeper").mkdir()
    project = Project.open(root)
    library = ModelLibrary(project, FileHasher(project.cache / "files.jsonl"))
    document = read_manifest(project, project.root / "manifests/support-desk-v1.yaml")
    built = build(document, ProjectSources(project, library), tokenizer_of)
    store = ReleaseStore(project.store)
    store.save(built.packed)
    release = store.load(built.packed.release.digest)
    means = Means(store, library, prices_of(project))
    locations = built.locations
    async with open_pipeline(release, means=means, locations=locations, engine=engine) as pipeline:
        yield pipeline


def questions(count: int, before: str = "") -> list[RequestEnvelope]:
    """Requests with the questions of the example's set for quality, again and again.

    Args:
        count: How many.
        before: What an input begins with, `{}` being its number.
    """
    lines = (ROOT / "eval_sets/quality.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["input"] for line in lines]
    return [
        RequestEnvelope(
            request_id=f"r{number}",
            tenant_id="public",
            user_id="u",
            input=before.format(number) + texts[number % len(texts)],
            task_class="retrieval_fresh",
        )
        for number in range(count)
    ]
