"""A release and its parts on this machine, put together to a pipeline."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from gatekeeper.adapters import engines
from gatekeeper.adapters.clock import SystemClock
from gatekeeper.adapters.engines.openai import remote_host
from gatekeeper.adapters.engines.pool import EnginePool
from gatekeeper.adapters.engines.seat import Seat
from gatekeeper.adapters.retriever import open_retriever
from gatekeeper.adapters.tokenizer import ByteTokenizer, ChatTokenizer
from gatekeeper.errors import RefusedError, UndecidedError
from gatekeeper.pipeline.budgets import SpendMeter
from gatekeeper.pipeline.pipeline import Pipeline
from gatekeeper.pipeline.preview import Previewer
from gatekeeper.ports import Releases

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from gatekeeper.adapters.models import ModelLibrary
    from gatekeeper.model.components import PinnedModel
    from gatekeeper.model.prices import PriceBook
    from gatekeeper.model.release import Release
    from gatekeeper.ports import Cache, Clock, Engine, ModelFiles, Retriever, Tokenizer


class Documents(Releases, Protocol):
    """Where releases and their snapshots are."""

    def documents(self, release: Release) -> Mapping[str, bytes]:
        """Every document by its path, verified."""
        ...


@dataclass(frozen=True, slots=True)
class Means:
    """What pipelines on this machine have in common. One per process, for one event loop.

    Attributes:
        store: Where the snapshots are.
        models: Finds and verifies model files.
        pool: Engines, shared by the releases that pin the same weights and serving.
        spend: What workloads have spent today, whichever release served them.
    """

    store: Documents
    models: ModelLibrary
    prices: PriceBook
    pool: EnginePool = field(default_factory=EnginePool)
    spend: SpendMeter = field(default_factory=SpendMeter)
    clock: Clock = field(default_factory=SystemClock)
    cache: Cache | None = None


@asynccontextmanager
async def open_pipeline(
    release: Release,
    *,
    means: Means,
    locations: Mapping[str, str],
    engine: str | None = None,
) -> AsyncIterator[Pipeline]:
    """The pipeline of a release: model files verified, snapshot indexed, engines running.

    Args:
        release: As the store has verified it.
        means: What it is put together from.
        locations: Where each named model is, as the build recorded it.
        engine: Take this engine instead of the first that is available.

    Raises:
        IntegrityError: A model file is not the one that was released.
        RefusedError: Requests would leave for a hosted model, or this machine, and may not.
        UnavailableError: No engine that the release accepts can be had, or a price is missing.
    """
    name = engines.choose(release.components.serving, engine)
    _refuse_external(release, name)
    seats = await asyncio.to_thread(_seats, release, means.models, locations)
    tokenizers = {model: seat.tokenizer or ByteTokenizer() for model, seat in seats.items()}
    retriever = await asyncio.to_thread(_retriever, release, means.store, tokenizers)
    async with AsyncExitStack() as stack:
        running: dict[str, Engine] = {}
        for model, seat in seats.items():
            key = (name, model, _identity(release, seat))
            opened = partial(engines.open_engine, name, seat)
            running[model] = await stack.enter_async_context(means.pool.lease(key, opened))
        yield Pipeline(
            release,
            engines=running,
            tokenizers=tokenizers,
            retriever=retriever,
            prices=means.prices,
            clock=means.clock,
            spend=means.spend,
            cache=means.cache,
        )


def open_previewer(
    release: Release,
    *,
    store: Documents,
    models: ModelLibrary,
    locations: Mapping[str, str],
    clock: Clock,
) -> Previewer:
    """What a release puts before its models, without an engine.

    Raises:
        IntegrityError: A model file (its tokenizer cuts the documents) is not the released one.
        UnavailableError: The model is not on this machine.
    """
    seats = _seats(release, models, locations)
    tokenizers = {model: seat.tokenizer or ByteTokenizer() for model, seat in seats.items()}
    return Previewer(release, _retriever(release, store, tokenizers), clock)


def _refuse_external(release: Release, engine: str) -> None:
    if release.governance.external_model_calls:
        return
    hosted = [name for name, seat in release.components.model.models.items() if not seat.pinned]
    if hosted:
        raise RefusedError(
            f"{', '.join(hosted)}: a hosted model, and external model calls are not allowed",
            where=release.reference,
            fix="set governance.external_model_calls and build again, or pin the model",
        )
    if engine == "openai" and (host := remote_host(release.components.serving)):
        raise RefusedError(
            f"requests would leave for {host}, and external model calls are not allowed",
            where=release.reference,
            fix="set governance.external_model_calls and build again, or serve on this machine",
        )


def _seats(
    release: Release, library: ModelLibrary, locations: Mapping[str, str]
) -> dict[str, Seat]:
    """Every model that a tier generates with, its files verified."""
    parts = release.components
    names = dict.fromkeys(tier.model for tier in parts.router.tiers.values() if tier.model)
    seats = {}
    for name in names:
        model = parts.model.models[name]
        if not model.pinned:
            seats[name] = Seat(name, model, parts.serving)
            continue
        files = library.admit(name, model.files, locations[name])
        tokenizer = ChatTokenizer.load(files.root, model.chat_template, listed=files.files)
        adapters = _adapters(name, model, library, locations)
        seats[name] = Seat(name, model, parts.serving, files, tokenizer, adapters)
    return seats


def _adapters(
    name: str, model: PinnedModel, library: ModelLibrary, locations: Mapping[str, str]
) -> dict[str, ModelFiles]:
    found = {}
    for adapter in model.adapters:
        place = f"{name}/adapters/{adapter.name}"
        if place not in locations:
            raise UndecidedError(
                f"no build record says where the adapter {adapter.name!r} of {name!r} is",
                fix="build the release again, here",
            )
        found[adapter.name] = library.admit(place, adapter.files, locations[place])
    return found


def _identity(release: Release, seat: Seat) -> tuple[str, str, str | None, tuple[str, ...]]:
    """Same weights and adapters, same serving, same template: same engine."""
    files: ModelFiles | None = seat.files
    weights = files.digest if files else release.component_digests["model"]
    adapters = tuple(files.digest for files in seat.adapters.values())
    return weights, release.component_digests["serving"], seat.model.chat_template, adapters


def _retriever(
    release: Release, store: Documents, tokenizers: Mapping[str, Tokenizer]
) -> Retriever:
    parts = release.components
    counter = next(iter(tokenizers.values()), ByteTokenizer())
    return open_retriever(
        parts.retrieval,
        store.documents(release).__getitem__,
        counter.count_text,
        isolated=parts.policy.tenants.isolation == "strict",
    )
