"""Judge models behind any engine, and embedders, as scorers call on them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.errors import EngineError, UsageError
from gatekeeper.model.components import Sampling
from gatekeeper.model.record import JUDGE, CallRow
from gatekeeper.pipeline.calls import told
from gatekeeper.ports import Message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatekeeper.model.prices import PriceBook
    from gatekeeper.model.record import CallOutcome
    from gatekeeper.ports import Clock, Embedder, Engine, Generation

ATTEMPTS: Final = 3
"""Calls until one gets through to the judge, those included that fail on the way."""
PAUSE: Final = 0.5
"""Seconds after the first failure, doubled after each further one."""


@dataclass(frozen=True, slots=True)
class JudgeModel:
    """A model that grades.

    Attributes:
        engine: What serves it.
        digest: What pins it: digest of its weights, or what the endpoint says it is.
        max_tokens: What it may generate for one question.
        timeout: Seconds for one call.
    """

    engine: Engine
    digest: str
    max_tokens: int = 512
    timeout: float = 120.0


@dataclass(frozen=True, slots=True)
class ScorersBench:
    """Everything that the scorers of one set call on.

    Attributes:
        judges: By name; a scorer that names none takes the only one.
        prices: What judge calls cost; without it their cost is not known.
        embedders: By what a scorer's setting says of them.
        packages: Versions of plug-ins, for the fingerprint.
    """

    clock: Clock
    judges: Mapping[str, JudgeModel] = field(default_factory=dict)
    prices: PriceBook | None = None
    price_book: str | None = None
    embedders: Mapping[object, Embedder] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """Judges by digest and engine, embedders and plug-ins by version."""
        found = dict(self.packages)
        for name, judge in self.judges.items():
            found[f"judge {name}"] = judge.digest
            found |= {f"judge {name} {key}": told for key, told in judge.engine.fingerprint.items()}
        for embedder in self.embedders.values():
            found |= {f"embedder {key}": told for key, told in embedder.fingerprint.items()}
        return found

    def aids(self, request_id: str, scorer: str, calls: list[CallRow]) -> _Aids:
        """Help for one scorer and one conversation; model calls are added to `calls`."""
        return _Aids(self, request_id, scorer, calls)

    def judge(self, name: str | None) -> tuple[str, JudgeModel]:
        """A judge by name; raises `UsageError` where there is none of that name, or no only one."""
        if name is None and len(self.judges) == 1:
            name = next(iter(self.judges))
        if name is None or name not in self.judges:
            what = "no judge model is named" if name is None else f"there is no judge {name!r}"
            known = ", ".join(sorted(self.judges)) or "give a model of the release the role `judge`"
            raise UsageError(what, fix=f"there are: {known}" if self.judges else known)
        return name, self.judges[name]


@dataclass(frozen=True, slots=True)
class _Aids:
    bench: ScorersBench
    request_id: str
    scorer: str
    calls: list[CallRow]

    async def ask(
        self,
        model: str | None,
        messages: Sequence[tuple[str, str]],
        schema: Mapping[str, Any],
        *,
        temperature: float,
        seed: int,
    ) -> str:
        """Ask a judge, and keep the call among those of the conversation."""
        name, judge = self.bench.judge(model)
        sampling = Sampling(temperature=temperature, max_tokens=judge.max_tokens, seed=seed)
        prompt = [Message(role, content) for role, content in messages]
        for attempt in range(1, ATTEMPTS):
            try:
                return await self._call(name, judge, prompt, sampling, schema)
            except EngineError as error:
                if not error.retryable:
                    raise
                pause = error.retry_after or PAUSE * 2 ** (attempt - 1)
                await asyncio.sleep(min(pause, judge.timeout))
        return await self._call(name, judge, prompt, sampling, schema)

    async def _call(
        self,
        name: str,
        judge: JudgeModel,
        prompt: Sequence[Message],
        sampling: Sampling,
        schema: Mapping[str, Any],
    ) -> str:
        started = self.bench.clock.monotonic_us()
        made: Generation | None = None
        outcome: CallOutcome = "error"
        reason: str | None = None
        try:
            made = await judge.engine.generate(
                prompt, sampling, timeout=judge.timeout, json_schema=schema
            )
            outcome = "ok"
        except TimeoutError:
            outcome = "timeout"
            raise TimeoutError(f"the judge {name} took more than {judge.timeout:g} s") from None
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        except Exception as error:
            reason = getattr(error, "what", None) or str(error)
            raise
        finally:
            latency = self.bench.clock.monotonic_us() - started
            self.calls.append(self._row(name, made, outcome, reason, latency))
        return made.text

    def _row(
        self,
        name: str,
        made: Generation | None,
        outcome: CallOutcome,
        reason: str | None,
        latency_us: int,
    ) -> CallRow:
        tokens = made and (made.input_tokens, made.cached_input_tokens, made.output_tokens)
        prices = self.bench.prices
        return CallRow(
            request_id=self.request_id,
            attempt=len(self.calls) + 1,
            tier=JUDGE,
            model=name,
            latency_us=latency_us,
            outcome=outcome,
            error=reason,
            nano_usd=None if prices is None else prices.cost(name, *tokens) if tokens else 0,
            price_book=self.bench.price_book,
            **told(made),
        )

    async def embed(self, embedder: object, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """The vectors of some texts, by an embedder that was opened for a scorer."""
        return await self.bench.embedders[embedder].embed(texts)
