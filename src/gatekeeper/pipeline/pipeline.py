"""One request through one release; evaluation, serving, canary and shadow all run this."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gatekeeper.errors import InputError
from gatekeeper.pipeline import envelopes
from gatekeeper.pipeline.budgets import Purse, SpendMeter
from gatekeeper.pipeline.cache import MemoryCache, cache_key
from gatekeeper.pipeline.generation import Generator
from gatekeeper.pipeline.guardrails import Guardrails
from gatekeeper.pipeline.prompting import Prompter, correction
from gatekeeper.pipeline.routing import route
from gatekeeper.pipeline.validation import Fault, Validator
from gatekeeper.pipeline.visit import Answer, Context, Deadline, HaltError, Served, Visit
from gatekeeper.ports import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatekeeper.model.envelope import Citation, RequestEnvelope, ToolTurn
    from gatekeeper.model.prices import PriceBook
    from gatekeeper.model.release import Release
    from gatekeeper.ports import Cache, Clock, Engine, Retriever, Tokenizer

__all__ = ["Context", "Pipeline", "Served", "SpendMeter"]


class Pipeline:
    """A release, ready to serve. Safe for any number of requests at once on one event loop.

    Args:
        release: Verified, as a store returns it.
        engines: By the names that the release gives its models.
        tokenizers: By the same names.
        prices: Must price every model that a tier uses.
        spend: Shared by all pipelines that serve the same workloads.
        cache: Used where the release allows it; a private one by default.
    """

    def __init__(  # noqa: PLR0913 - the seats of one pipeline
        self,
        release: Release,
        *,
        engines: Mapping[str, Engine],
        tokenizers: Mapping[str, Tokenizer],
        retriever: Retriever,
        prices: PriceBook,
        clock: Clock,
        spend: SpendMeter | None = None,
        cache: Cache | None = None,
    ) -> None:
        parts = release.components
        self.release = release
        self.engines = engines
        self._clock = clock
        self._retriever = retriever
        self._guardrails = Guardrails(parts.policy)
        self._validator = Validator(parts)
        self._purse = Purse(parts, prices, tokenizers, spend or SpendMeter())
        self._generator = Generator(parts, engines, Prompter(parts), self._purse, clock)
        self._cache = cache or _cache(release, clock)
        for tier in parts.router.tiers.values():
            if tier.model is not None:
                prices.cost(tier.model, 0, 0, 0)

    async def handle(self, request: RequestEnvelope, context: Context) -> Served:
        """Serve one request. Trouble with the request or the engines is an answer, not an error."""
        started = self._clock.monotonic_us()
        visit = Visit(
            request,
            context,
            Deadline(self._clock, request.deadline_ms),
            self._clock.now_us(),
            started,
            request.input,
        )
        try:
            answer = await self._answer(visit)
        except HaltError as halt:
            answer = halt.answer
        latency = self._clock.monotonic_us() - started
        return envelopes.served(self.release, visit, answer, latency)

    async def _answer(self, visit: Visit) -> Answer:
        self._admit(visit)
        key = cache_key(self.release.digest, visit.request, visit.text, visit.context.replicate)
        known = self._cache.get(key) if self._cache else None
        if isinstance(known, Answer):
            visit.tier = "cache"
            return known
        self._retrieve(visit)
        visit.tier = route(self.release.components.router, visit.request)
        answer = self._finish(visit, await self._draft(visit))
        if self._cache and answer.status == "ok":
            self._cache.put(key, answer)
        return answer

    def _admit(self, visit: Visit) -> None:
        """Versions and input guardrails."""
        wrong = envelopes.mismatched(self.release, visit.request)
        if wrong:
            raise HaltError("blocked", "version_mismatch", f"Not the active {', '.join(wrong)}.")
        visit.text, visit.flags = self._guardrails.admit(visit.text)
        visit.exchange = tuple(self._continued(turn) for turn in visit.request.exchange)
        visit.deadline.check()

    def _continued(self, turn: ToolTurn) -> Message:
        """What a tool said comes from outside, as a document does."""
        trusted = turn.role == "assistant"
        content = turn.content if trusted else self._guardrails.screened(turn.content)
        return Message(turn.role, content)

    def _retrieve(self, visit: Visit) -> None:
        settings = self.release.components.retrieval
        if settings.strategy == "none" or settings.top_k == 0:
            return
        found = self._retriever.search(
            visit.text, top_k=settings.top_k, tenant=visit.request.tenant_id
        )
        visit.chunks = self._guardrails.trusted(found)

    async def _draft(self, visit: Visit) -> Answer:
        """Generate, and once more with a correction where that may help."""
        while True:
            try:
                generation = await self._generator.generate(visit)
            except InputError as error:
                text = "This request cannot be turned into a prompt."
                raise HaltError("error", "prompt_error", text, refused=None) from error
            if generation is None:
                return self._validator.quoted(visit)
            judged = self._validator.judge(visit, generation)
            if not isinstance(judged, Fault):
                return judged
            if not self._purse.may_ask_again(visit):
                visit.limited = True
                return judged.final
            visit.loop_depth += 1
            visit.retries += 1
            visit.exchange += correction(generation.text, judged.problem)

    def _finish(self, visit: Visit, draft: Answer) -> Answer:
        """Output guardrails, and the status that all before adds up to."""
        visit.deadline.check()
        text, flags = self._guardrails.release(draft.text)
        raw = text if draft.raw == draft.text else self._guardrails.release(draft.raw)[0]
        cited = tuple(self._shown(one) for one in draft.citations)
        answer = replace(draft, text=text, raw=raw, citations=cited, policy_violation=bool(flags))
        if answer.status != "ok":
            return answer
        if visit.shortfall:
            return replace(answer, status="degraded", reason=visit.shortfall)
        return replace(answer, reason=next(iter(visit.flags + flags), None))

    def _shown(self, citation: Citation) -> Citation:
        """A citation quotes a document: what may not be in an answer may not be in it either."""
        text, _ = self._guardrails.release(citation.text)
        return citation if text == citation.text else citation.model_copy(update={"text": text})


def _cache(release: Release, clock: Clock) -> Cache | None:
    policy = release.components.router.cache
    return MemoryCache(clock, policy.ttl_seconds, policy.max_entries) if policy.enabled else None
