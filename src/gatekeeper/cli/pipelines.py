"""Composition: releases of a project as running pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.errors import UndecidedError, UsageError

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from gatekeeper.adapters.assembly import Means
    from gatekeeper.adapters.project import Project
    from gatekeeper.model.prices import PriceBook
    from gatekeeper.model.release import Release
    from gatekeeper.pipeline.pipeline import Pipeline
    from gatekeeper.ports import Verifier

PRICES = "gates/prices.yaml"


def prices_of(project: Project) -> PriceBook:
    """The price book of a project, `gates/prices.yaml`; raises `InputError` or `UsageError`."""
    from gatekeeper.adapters import yaml
    from gatekeeper.model.prices import PriceBook

    if not (project.root / PRICES).exists():
        fix = "write what tokens of each model cost: kind PriceBook, docs/evaluation.md shows one"
        raise UsageError("there is no price book", where=PRICES, fix=fix)
    return yaml.read(project.root / PRICES, PriceBook, root=project.root).value


def means_of(project: Project, *, rehash: bool = False) -> Means:
    """What the pipelines of one process share: store, models, prices, engines, spending.

    Args:
        project: Where all of it is.
        rehash: Read every model file once in this process, whatever is remembered of it.
    """
    from gatekeeper.adapters.assembly import Means
    from gatekeeper.cli.wiring import models_of, store_of

    return Means(store_of(project), models_of(project, rehash=rehash), prices_of(project))


def opened(
    release: Release, means: Means, verifier: Verifier, engine: str | None = None
) -> AbstractAsyncContextManager[Pipeline]:
    """The pipeline of a release, its models looked for where its signed build record says.

    Raises:
        UndecidedError: No build record counts here.
    """
    from gatekeeper.adapters.assembly import open_pipeline
    from gatekeeper.cli.environments import record_of

    record = record_of(means.store, verifier, release.digest)
    if record is None:
        raise UndecidedError(
            "no build record says where its models are",
            where=release.reference,
            fix="build the release again, here",
        )
    return open_pipeline(release, means=means, locations=record.model_locations, engine=engine)
