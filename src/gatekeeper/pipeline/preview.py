"""What a request puts before the model, without a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.pipeline.guardrails import Guardrails
from gatekeeper.pipeline.prompting import Prompter
from gatekeeper.pipeline.routing import route
from gatekeeper.pipeline.visit import Context, Deadline, Visit

if TYPE_CHECKING:
    from collections.abc import Collection

    from gatekeeper.model.envelope import RequestEnvelope
    from gatekeeper.model.release import Release
    from gatekeeper.ports import Chunk, Clock, Message, Retriever


@dataclass(frozen=True, slots=True)
class Preview:
    """What the model would read.

    Attributes:
        messages: Empty where no model is asked.
        tier: Where the router sends the request.
    """

    chunks: tuple[Chunk, ...]
    messages: tuple[Message, ...]
    tier: str


class Previewer:
    """The stages of a pipeline up to the prompt: guardrails, retrieval, route, rendering."""

    def __init__(self, release: Release, retriever: Retriever, clock: Clock) -> None:
        self._parts = release.components
        self._retriever = retriever
        self._clock = clock
        self._guardrails = Guardrails(self._parts.policy)
        self._prompter = Prompter(self._parts)

    def preview(self, request: RequestEnvelope, kept: Collection[str] | None = None) -> Preview:
        """What `request` shows to the model.

        Args:
            request: As it arrived, with the history of its conversation.
            kept: Only these chunks: a budget may have left some out, as its record says.

        Raises:
            HaltError: A guardrail blocks it before any prompt is made.
            InputError: The template fails on it.
        """
        visit = Visit(
            request,
            Context("offline"),
            Deadline(self._clock, request.deadline_ms),
            self._clock.now_us(),
            self._clock.monotonic_us(),
            request.input,
        )
        visit.text, _ = self._guardrails.admit(request.input)
        visit.chunks = self._chunks(visit, kept)
        visit.tier = route(self._parts.router, request)
        return Preview(visit.chunks, tuple(self._messages(visit)), visit.tier)

    def _chunks(self, visit: Visit, kept: Collection[str] | None) -> tuple[Chunk, ...]:
        settings = self._parts.retrieval
        if settings.strategy == "none" or settings.top_k == 0:
            return ()
        found = self._retriever.search(
            visit.text, top_k=settings.top_k, tenant=visit.request.tenant_id
        )
        trusted = self._guardrails.trusted(found)
        return tuple(one for one in trusted if kept is None or one.source in kept)

    def _messages(self, visit: Visit) -> list[Message]:
        tier = self._parts.router.tiers[visit.tier]
        if tier.model is None and (visit.chunks or tier.fallback is None):
            return []
        return self._prompter.messages(visit)
