"""The releases that an evaluation compares, opened together where that is possible."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from gatekeeper.adapters import engines
from gatekeeper.adapters.assembly import on_this_machine, open_models, open_pipeline
from gatekeeper.adapters.engines.cached import CachedEngine, identity
from gatekeeper.adapters.engines.metered import MeteredEngine
from gatekeeper.adapters.judge import JudgeModel
from gatekeeper.adapters.tokenizer import ByteTokenizer
from gatekeeper.core.environment import differences
from gatekeeper.errors import EnvironmentDriftError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from pydantic import JsonValue

    from gatekeeper.adapters.assembly import Means, OpenModel
    from gatekeeper.adapters.engines.seat import Seat
    from gatekeeper.adapters.responses import ResponseCache
    from gatekeeper.core.ceiling import Ceiling
    from gatekeeper.model.record import Arm
    from gatekeeper.model.release import Release
    from gatekeeper.pipeline.pipeline import Pipeline
    from gatekeeper.ports import Engine

ALONE: Final = frozenset({"vllm"})
"""Engines that take the machine's memory for themselves: two of them cannot be loaded at once."""
CACHED: Final = frozenset({"embedded", "vllm"})
"""Engines that serve weights which are pinned and in this process: what decides an answer is known,
so that it is remembered unless that was forbidden."""


@dataclass(frozen=True, slots=True)
class Entrant:
    """A release that takes part, and where its models are."""

    release: Release
    locations: Mapping[str, str]
    workload: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every call of an evaluation.

    Attributes:
        engine: Take this engine and no other.
        cache: The response cache; None where nothing may be remembered.
        remember_all: Remember answers of hosted models too, which may change behind their name.
        ceiling: What the run may use; None where nothing limits it.
        responses: File that the engine `recorded` answers from.
        allow_drift: Go on with a run on another machine.
    """

    engine: str | None = None
    cache: ResponseCache | None = None
    remember_all: bool = False
    ceiling: Ceiling | None = None
    responses: str | None = None
    allow_drift: bool = False

    @property
    def engine_args(self) -> dict[str, JsonValue]:
        """Engine arguments of this evaluation, above those of a release."""
        return {"responses": self.responses} if self.responses else {}


@dataclass(slots=True)
class ReleaseFleet:
    """The releases under test, by the arms of the comparison.

    Attributes:
        expected: What served each model in earlier sittings of the run.
        fingerprints: What serves each model, once it was opened.
        opened: Told of the fingerprints before the first request is sent.
        judging: Whose judges grade; the candidate's where it is None.
    """

    entrants: Mapping[Arm, Entrant]
    means: Means
    terms: Terms = Terms()
    expected: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    fingerprints: dict[str, dict[str, str]] = field(default_factory=dict)
    opened: Callable[[Mapping[str, dict[str, str]]], None] = lambda _: None
    judging: Entrant | None = None

    def crews(self) -> tuple[tuple[Arm, ...], ...]:
        """Arms that can be loaded together: all, unless each needs an engine that stands alone."""
        arms = tuple(self.entrants)
        return (arms,) if self._fits_together() else tuple((arm,) for arm in arms)

    @asynccontextmanager
    async def open(self, crew: tuple[Arm, ...]) -> AsyncIterator[dict[Arm, Pipeline]]:
        """The pipelines of a crew; raises as `open_pipeline` does."""
        means = replace(self.means, wrap=self._wrap)
        async with AsyncExitStack() as stack:
            opened: dict[Arm, Pipeline] = {}
            for arm in crew:
                one = self.entrants[arm]
                opened[arm] = await stack.enter_async_context(
                    open_pipeline(
                        one.release,
                        means=means,
                        locations=one.locations,
                        engine=self.terms.engine,
                        engine_args=self.terms.engine_args,
                    )
                )
                self._note(opened[arm])
            self.opened(self.fingerprints)
            try:
                yield opened
            finally:
                # An endpoint says some things of itself in its answers only.
                for pipeline in opened.values():
                    self._learn(pipeline)

    @asynccontextmanager
    async def judges(self) -> AsyncIterator[dict[str, JudgeModel]]:
        """The models that grade, as scorers call on them: the candidate's as a rule."""
        one = self.judging or self.entrants["candidate"]
        models = one.release.components.model.models
        names = [name for name, model in models.items() if model.role == "judge"]
        if not names:
            yield {}
            return
        async with open_models(
            one.release,
            names,
            means=replace(self.means, wrap=self._wrap),
            locations=one.locations,
            engine=self.terms.engine,
            engine_args=self.terms.engine_args,
        ) as opened:
            yield {name: _judge(found) for name, found in opened.items()}

    @contextmanager
    def timed(self) -> Iterator[None]:
        """While it lasts, no answer is remembered: its time would mean nothing."""
        cache = self.terms.cache
        if cache is None:
            yield
            return
        cache.suspended = True
        try:
            yield
        finally:
            cache.suspended = False

    def _fits_together(self) -> bool:
        serving = [one.release.components.serving for one in self.entrants.values()]
        own = self.terms.engine_args
        names = {engines.choose(on_this_machine(one, own), self.terms.engine) for one in serving}
        shared = {
            (digests["model"], digests["serving"])
            for digests in (one.release.component_digests for one in self.entrants.values())
        }
        return len(shared) == 1 or not names & ALONE

    def _note(self, pipeline: Pipeline) -> None:
        for model, engine in pipeline.engines.items():
            found = dict(engine.fingerprint)
            other = self.fingerprints.get(model, found) != found
            name = f"{model} of {pipeline.release.reference}" if other else model
            self.fingerprints[name] = found
            self._refuse_change(name, found)

    def _learn(self, pipeline: Pipeline) -> None:
        for model, engine in pipeline.engines.items():
            known = self.fingerprints.get(model, {})
            now = dict(engine.fingerprint)
            if all(now.get(key) == told for key, told in known.items()):
                self.fingerprints[model] = now

    def _refuse_change(self, name: str, found: Mapping[str, str]) -> None:
        """One run is served by one and the same thing, or its samples cannot be told apart."""
        changed = differences(name, self.expected.get(name, {}), found)
        if changed and not self.terms.allow_drift:
            raise EnvironmentDriftError(
                f"the run was begun with something else: {'; '.join(changed)}",
                fix="go on where it began, or evaluate again",
            )

    def _wrap(self, engine: Engine, seat: Seat) -> Engine:
        """The ceiling around the engine, and the cache around both: what is remembered is free."""
        terms = self.terms
        if terms.ceiling is not None:
            tokenizer = seat.tokenizer or ByteTokenizer()
            engine = MeteredEngine(engine, seat.name, tokenizer, self.means.prices, terms.ceiling)
        known = engine.fingerprint.get("engine") in CACHED
        if terms.cache is None or not (known or terms.remember_all):
            return engine
        return CachedEngine(engine, identity(seat), terms.cache)


def _judge(found: OpenModel) -> JudgeModel:
    files, hosted = found.seat.files, found.seat.model.endpoint_model
    return JudgeModel(found.engine, files.digest if files else f"hosted {hosted}")
