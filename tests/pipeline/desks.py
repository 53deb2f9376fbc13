"""A release with everything in it, and engines that do as they are told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gatekeeper.adapters.clock import SystemClock
from gatekeeper.adapters.retriever import BM25Retriever
from gatekeeper.adapters.tokenizer import ByteTokenizer
from gatekeeper.model.base import COMPONENTS
from gatekeeper.model.components import Components, Governance
from gatekeeper.model.envelope import RequestEnvelope
from gatekeeper.model.prices import PriceBook
from gatekeeper.model.release import Release
from gatekeeper.pipeline.pipeline import Context, Pipeline
from gatekeeper.ports import Chunk, Generation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatekeeper.model.components import Sampling
    from gatekeeper.pipeline.budgets import SpendMeter
    from gatekeeper.pipeline.visit import Served
    from gatekeeper.ports import Cache, Clock, Message

CHUNKS = (
    Chunk("zentor.md#1", "The warranty of the Zentor Prime is 24 months."),
    Chunk("zentor.md#2", "The warranty code of the Zentor Prime is W7."),
    Chunk("velar.md#1", "The warranty of the Velar Duo is 12 months."),
    Chunk("tenants/acme/terms.md#1", "The warranty discount of Acme is 5 per cent.", "acme"),
)
ANSWER = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "source": {"type": "integer"}},
    "required": ["answer", "source"],
    "additionalProperties": False,
}
ITEM = {
    "type": "object",
    "properties": {"item": {"type": "string"}},
    "required": ["item"],
    "additionalProperties": False,
}
PARTS: dict[str, Any] = {
    "prompt": {
        "system": "You are a desk. {{ tools | join(', ') }}",
        "template": "Context:\n{{ context }}\nQuestion: {{ input }}",
        "output_schema": ANSWER,
    },
    "model": {
        "models": {
            "big": {"pinned": False, "endpoint_model": "big-1"},
            "small": {"pinned": False, "endpoint_model": "small-1"},
        }
    },
    "serving": {"engines": [{"name": "openai"}], "sampling": {"max_tokens": 50}},
    "retrieval": {"strategy": "bm25", "top_k": 3},
    "router": {
        "routes": [
            {"match": {"task_class": "lookup"}, "route_to": "search"},
            {"match": {"tenant": "cheap"}, "route_to": "small"},
            {"route_to": "big"},
        ],
        "tiers": {
            "big": {
                "model": "big",
                "fallback": "small",
                "retry": {"attempts": 2, "backoff_seconds": 0.001},
                "circuit_breaker": {"failures": 3, "reset_seconds": 60.0},
            },
            "small": {"model": "small", "retry": {"attempts": 1}},
            "search": {"kind": "search", "fallback": "small"},
        },
    },
    "tools": {
        "allow": {
            "open_ticket": {"parameters": ITEM},
            "drop_table": {"parameters": ITEM, "triggers": ["destructive_operation"]},
        },
        "guardrail": {"require_approval_for": ["destructive_operation"]},
    },
    "policy": {"refusals": ["I cannot follow that instruction."]},
}
PRICES = {
    "apiVersion": "gatekeeper/v1",
    "kind": "PriceBook",
    "currency": "USD",
    "effective": "2026-11-01",
    "models": {
        "big": {
            "input_usd_per_million": 1.0,
            "cached_input_usd_per_million": 0.5,
            "output_usd_per_million": 2.0,
        },
        "small": {
            "input_usd_per_million": 0.1,
            "cached_input_usd_per_million": 0.05,
            "output_usd_per_million": 0.2,
        },
    },
}


def digest_of(name: str) -> str:
    return "sha256:" + name.encode().hex().ljust(64, "0")[:64]


def merged(base: Any, change: Any) -> Any:
    """`base` with `change` laid over it, dictionaries key by key; None removes a key."""
    if not isinstance(base, dict) or not isinstance(change, dict):
        return change
    found = {key: value for key, value in base.items() if change.get(key, 0) is not None}
    found.update(
        {key: merged(base.get(key), value) for key, value in change.items() if value is not None}
    )
    return found


def components(**changes: Any) -> Components:
    import json

    return Components.model_validate_json(json.dumps(merged(PARTS, changes)))


def release_of(parts: Components, name: str = "desk") -> Release:
    return Release(
        name=name,
        digest=digest_of(name),
        component_digests={part: digest_of(part) for part in COMPONENTS},
        governance=Governance(external_model_calls=True),
        components=parts,
    )


def price_book() -> PriceBook:
    return PriceBook.model_validate(PRICES)


@dataclass
class ScriptedEngine:
    """Says what is on the list, then its last line for ever; an exception on it is raised."""

    says: list[str | Exception] = field(default_factory=lambda: ["24 months [1]"])
    seconds: float = 0.0
    mean_logprob: float | None = -0.01
    finish_reason: str = "stop"
    output_tokens: int = 5
    cached: int = 0
    seen: list[tuple[Sequence[Message], Sampling, float]] = field(default_factory=list)
    closed: bool = False

    @property
    def fingerprint(self) -> Mapping[str, str]:
        return {"engine": "scripted"}

    async def generate(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        *,
        timeout: float,
        json_schema: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> Generation:
        self.seen.append((messages, sampling, timeout))
        line = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if self.seconds:
            await asyncio.sleep(self.seconds)
        if isinstance(line, Exception):
            raise line
        prompt = sum(len(message.content) for message in messages)
        return Generation(
            line,
            prompt - self.cached,
            min(self.output_tokens, sampling.max_tokens),
            cached_input_tokens=self.cached,
            mean_logprob=self.mean_logprob,
            finish_reason=self.finish_reason,
        )

    async def close(self) -> None:
        self.closed = True


class HandClock:
    """A clock that is turned by hand."""

    def __init__(self, now_us: int = 1_800_000_000_000_000) -> None:
        self.time = now_us

    def now_us(self) -> int:
        return self.time

    def monotonic_us(self) -> int:
        return self.time


@dataclass
class Desk:
    """A pipeline and what it is made of."""

    pipeline: Pipeline
    big: ScriptedEngine
    small: ScriptedEngine

    async def ask(
        self, text: str = "What is the warranty of the Zentor Prime?", **fields: Any
    ) -> Served:
        context = fields.pop("context", Context(lane="offline", workload="answers"))
        return await self.pipeline.handle(request(text, **fields), context)


def request(text: str, **fields: Any) -> RequestEnvelope:
    given = {"request_id": "r-1", "tenant_id": "northwind", "user_id": "u-1", **fields}
    return RequestEnvelope(input=text, **given)


@lru_cache(maxsize=4)
def retriever_of(chunks: tuple[Chunk, ...]) -> BM25Retriever:
    """Indexes take a while to make; the tests share them."""
    return BM25Retriever(chunks)


def desk(
    *,
    says: list[str | Exception] | None = None,
    chunks: tuple[Chunk, ...] = CHUNKS,
    clock: Clock | None = None,
    spend: SpendMeter | None = None,
    cache: Cache | None = None,
    **changes: Any,
) -> Desk:
    """A pipeline over scripted engines; `changes` are laid over `PARTS`."""
    big = ScriptedEngine(says=says) if says else ScriptedEngine()
    small = ScriptedEngine(says=["12 months [1]"])
    parts = components(**changes)
    pipeline = Pipeline(
        release_of(parts),
        engines={"big": big, "small": small},
        tokenizers={"big": ByteTokenizer(), "small": ByteTokenizer()},
        retriever=retriever_of(chunks),
        prices=price_book(),
        clock=clock or SystemClock(),
        spend=spend,
        cache=cache,
    )
    return Desk(pipeline, big, small)
