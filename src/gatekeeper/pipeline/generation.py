"""From messages to the model's words: budget, engine, retries, fallback."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.core.order import derived_seed
from gatekeeper.errors import UnavailableError
from gatekeeper.model.record import CallRow
from gatekeeper.pipeline.calls import told
from gatekeeper.pipeline.resilience import CircuitOpenError, Resilience
from gatekeeper.pipeline.visit import HaltError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatekeeper.model.components import Components, Tier
    from gatekeeper.model.record import CallOutcome
    from gatekeeper.pipeline.budgets import Purse, Quote
    from gatekeeper.pipeline.prompting import Prompter
    from gatekeeper.pipeline.visit import Visit
    from gatekeeper.ports import Clock, Engine, Generation, Message

UNAVAILABLE = "The service cannot answer right now."


@dataclass(slots=True)
class Attempt:
    """One attempt while it runs."""

    outcome: CallOutcome = "cancelled"
    error: str | None = None
    generation: Generation | None = None


class Generator:
    """Generates within budget, and with another tier when one fails."""

    def __init__(
        self,
        components: Components,
        engines: Mapping[str, Engine],
        prompter: Prompter,
        purse: Purse,
        clock: Clock,
    ) -> None:
        self._tiers = components.router.tiers
        self._sampling = components.serving.sampling
        self._schema = components.prompt.output_schema
        self._actions = components.budgets.actions.on_budget_breach
        self._engines = engines
        self._prompter = prompter
        self._purse = purse
        self._clock = clock
        self._resilience = Resilience()

    async def generate(self, visit: Visit) -> Generation | None:
        """What the model says; None when a tier without a model is to answer.

        Raises:
            HaltError: The budget forbids it, a person has to agree, time is over, or every tier
                has failed.
        """
        while True:
            visit.deadline.check()
            tier = self._tiers[visit.tier]
            if tier.kind == "search":
                if visit.chunks or tier.fallback is None:
                    return None
                visit.tier = tier.fallback
                continue
            messages = self._prompter.messages(visit)
            quote = self._purse.quote(visit, tier.model or "", messages)
            if quote is None:
                self._relieve(visit, tier)
                continue
            try:
                return await self._call(visit, tier, messages, quote)
            except (UnavailableError, TimeoutError) as error:
                visit.deadline.check()
                self._fall_back(visit, tier, error)

    def _relieve(self, visit: Visit, tier: Tier) -> None:
        """Take the first declared action that is left, or end the request."""
        for action in self._actions:
            if action == "downgrade_model" and tier.fallback:
                visit.tier = tier.fallback
            elif action == "reduce_context" and len(visit.chunks) > 1:
                visit.chunks = visit.chunks[:-1]
            elif action == "require_human_approval":
                visit.act(action)
                raise HaltError("needs_review", "budget_breach", "A person has to allow this.")
            else:
                continue
            visit.act(action)
            visit.fall_short(action)
            return
        raise HaltError("blocked", "budget_breach", "This request is over its budget.")

    def _fall_back(self, visit: Visit, tier: Tier, error: Exception) -> None:
        following = self._tiers[tier.fallback] if tier.fallback else None
        usable = following and (following.kind == "search" or self._purse.may_call(visit))
        if not usable or tier.fallback is None:
            raise HaltError("error", _reason(error), UNAVAILABLE, refused=None) from error
        visit.tier, visit.fell_back = tier.fallback, True
        visit.fall_short("fallback")

    async def _call(
        self, visit: Visit, tier: Tier, messages: Sequence[Message], quote: Quote
    ) -> Generation:
        name, before = visit.tier, sum(call.nano_usd or 0 for call in visit.calls)
        retries = min(self._purse.retries_left(visit), self._purse.calls_left(visit) - 1)
        first = True

        async def attempt() -> Generation:
            """Ask once; whatever comes after the first time is a retry of the visit."""
            nonlocal first
            visit.retries += not first
            first = False
            return await self._attempt(visit, name, tier, messages, quote)

        try:
            return await self._resilience.repeat(tier, retries, visit.deadline, attempt)
        finally:
            cost = sum(call.nano_usd or 0 for call in visit.calls) - before
            self._purse.settle(quote, cost)

    async def _attempt(
        self, visit: Visit, name: str, tier: Tier, messages: Sequence[Message], quote: Quote
    ) -> Generation:
        visit.deadline.check()
        limit = min(tier.timeout_seconds, visit.deadline.remaining())
        seed = derived_seed(self._sampling.seed, visit.context.replicate)
        sampling = self._sampling.model_copy(update={"max_tokens": quote.max_tokens, "seed": seed})
        engine = self._engines[tier.model or ""]
        schema = self._schema if visit.request.response_format == "json" else None
        with self._recorded(visit, name, tier) as attempt:
            attempt.generation = await self._resilience.attempt(
                name,
                tier,
                limit,
                lambda: engine.generate(messages, sampling, timeout=limit, json_schema=schema),
            )
            return attempt.generation

    @contextmanager
    def _recorded(self, visit: Visit, name: str, tier: Tier) -> Iterator[Attempt]:
        attempt, started = Attempt(), self._clock.monotonic_us()
        try:
            yield attempt
            attempt.outcome = "ok"
        except CircuitOpenError:
            attempt.outcome = "circuit_open"
            raise
        except TimeoutError:
            attempt.outcome = "timeout"
            raise
        except UnavailableError as error:
            attempt.outcome, attempt.error = "error", error.what
            raise
        finally:
            latency = self._clock.monotonic_us() - started
            visit.calls.append(self._row(visit, name, tier, attempt, latency))

    def _row(
        self, visit: Visit, name: str, tier: Tier, attempt: Attempt, latency_us: int
    ) -> CallRow:
        model, made = tier.model or "", attempt.generation
        tokens = (made.input_tokens, made.cached_input_tokens, made.output_tokens) if made else None
        return CallRow(
            request_id=visit.request.request_id,
            attempt=len(visit.calls) + 1,
            tier=name,
            model=model,
            latency_us=latency_us,
            outcome=attempt.outcome,
            error=attempt.error,
            **self._purse.bill(model, tokens or (0, 0, 0)),
            price_book=self._purse.price_book,
            **told(made),
        )


def confidence(generation: Generation) -> float:
    """The mean token probability; 0 where the engine does not say."""
    logprob = generation.mean_logprob
    return 0.0 if logprob is None else min(1.0, math.exp(logprob))


def _reason(error: Exception) -> str:
    if isinstance(error, CircuitOpenError):
        return "circuit_open"
    return "engine_timeout" if isinstance(error, TimeoutError) else "engine_unavailable"
