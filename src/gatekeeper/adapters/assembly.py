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
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from pydantic import JsonValue

    from gatekeeper.adapters.models import ModelLibrary
    from gatekeeper.model.components import PinnedModel, Serving
    from gatekeeper.model.prices import PriceBook
    from gatekeeper.model.release import Release
    from gatekeeper.ports import Cache, Clock, Engine, ModelFiles, Retriever, Tokenizer


class Documents(Releases, Protocol):
    """Where releases and their snapshots are."""

    def documents(self, release: Release) -> Mapping[str, bytes]:
        """Every document by its path, verified."""
        ...


def _as_it_is(engine: Engine, _: Seat) -> Engine:
    return engine


@dataclass(frozen=True, slots=True)
class Means:
    """What pipelines on this machine have in common. One per process, for one event loop.

    Attributes:
        store: Where the snapshots are.
        models: Finds and verifies model files.
        pool: Engines, shared by the releases that pin the same weights and serving.
        spend: What workloads have spent today, whichever release served them.
        opened: Loads or connects an engine.
        wrap: Puts something between a pipeline and an engine, such as the response cache.
    """

    store: Documents
    models: ModelLibrary
    prices: PriceBook
    pool: EnginePool = field(default_factory=EnginePool)
    spend: SpendMeter = field(default_factory=SpendMeter)
    clock: Clock = field(default_factory=SystemClock)
    cache: Cache | None = None
    wrap: Callable[[Engine, Seat], Engine] = _as_it_is
    opened: Callable[[str, Seat], Awaitable[Engine]] = engines.open_engine


@asynccontextmanager
async def open_pipeline(
    release: Release,
    *,
    means: Means,
    locations: Mapping[str, str],
    engine: str | None = None,
    engine_args: Mapping[str, JsonValue] | None = None,
) -> AsyncIterator[Pipeline]:
    """The pipeline of a release: model files verified, snapshot indexed, engines running.

    Args:
        release: As the store has verified it.
        means: What it is put together from.
        locations: Where each named model is, as the build recorded it.
        engine: Take this engine instead of the first that is available.
        engine_args: Engine arguments of this machine, which stand above the release's own.

    Raises:
        IntegrityError: A model file is not the one that was released.
        RefusedError: Requests would leave for a hosted model, or this machine, and may not.
        UnavailableError: No engine that the release accepts can be had, or a price is missing.
    """
    async with open_models(
        release,
        _named(release),
        means=means,
        locations=locations,
        engine=engine,
        engine_args=engine_args,
    ) as models:
        tokenizers = {name: one.seat.tokenizer or ByteTokenizer() for name, one in models.items()}
        retriever = await asyncio.to_thread(_retriever, release, means.store, tokenizers)
        yield Pipeline(
            release,
            engines={name: one.engine for name, one in models.items()},
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
    seats = _seats(release, release.components.serving, models, locations, _named(release))
    tokenizers = {model: seat.tokenizer or ByteTokenizer() for model, seat in seats.items()}
    return Previewer(release, _retriever(release, store, tokenizers), clock)


@dataclass(frozen=True, slots=True)
class OpenModel:
    """A named model of a release that answers."""

    seat: Seat
    engine: Engine


@asynccontextmanager
async def open_models(  # noqa: PLR0913 - what is opened, from where, and how
    release: Release,
    names: Sequence[str],
    *,
    means: Means,
    locations: Mapping[str, str],
    engine: str | None = None,
    engine_args: Mapping[str, JsonValue] | None = None,
) -> AsyncIterator[dict[str, OpenModel]]:
    """Some models of a release, their files verified and their engines running.

    Arguments and errors are those of `open_pipeline`.
    """
    serving = on_this_machine(release.components.serving, engine_args)
    name = engines.choose(serving, engine)
    _refuse_external(release, name)
    seats = await asyncio.to_thread(_seats, release, serving, means.models, locations, names)
    async with AsyncExitStack() as stack:
        opened: dict[str, OpenModel] = {}
        for model, seat in seats.items():
            key = (name, model, _identity(release, seat))
            lease = means.pool.lease(key, partial(means.opened, name, seat))
            running = await stack.enter_async_context(lease)
            opened[model] = OpenModel(seat, means.wrap(running, seat))
        yield opened


def on_this_machine(serving: Serving, own: Mapping[str, JsonValue] | None) -> Serving:
    """A serving component with engine arguments of this machine above its own."""
    if not own:
        return serving
    return serving.model_copy(update={"engine_args": {**serving.engine_args, **own}})


def _named(release: Release) -> tuple[str, ...]:
    """Every model that a tier generates with."""
    tiers = release.components.router.tiers.values()
    return tuple(dict.fromkeys(tier.model for tier in tiers if tier.model))


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
    release: Release,
    serving: Serving,
    library: ModelLibrary,
    locations: Mapping[str, str],
    names: Sequence[str],
) -> dict[str, Seat]:
    """Some models of a release, their files verified."""
    parts = release.components
    seats = {}
    for name in names:
        model = parts.model.models[name]
        if not model.pinned:
            seats[name] = Seat(name, model, serving)
            continue
        files = library.admit(name, model.files, locations[name])
        tokenizer = ChatTokenizer.load(files.root, model.chat_template, listed=files.files)
        adapters = _adapters(name, model, library, locations)
        seats[name] = Seat(name, model, serving, files, tokenizer, adapters)
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
