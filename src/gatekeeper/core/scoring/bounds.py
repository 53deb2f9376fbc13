"""Scorers of what a conversation took: time, tokens and money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field, model_validator

from gatekeeper.core.scoring.scorer import FAILED, Mark, Scorer, flag
from gatekeeper.model.base import NANO, Usd

if TYPE_CHECKING:
    from gatekeeper.core.scoring.conversation import Conversation

_Amount = Annotated[int, Field(ge=1, le=10**12)]


class Latency(Scorer):
    """No answer took longer than `max_ms`."""

    NAME: ClassVar[str] = "latency"

    max_ms: Annotated[float, Field(gt=0, le=1e9)]
    """Milliseconds that one request may take."""

    def mark(self, talk: Conversation) -> Mark | None:
        """1 where the slowest request was quick enough; raises `ValueError` if one is not known."""
        if talk.failed:
            return FAILED
        known = [r.row.latency_us for r in talk.replies if r.row.latency_us is not None]
        if len(known) < len(talk.replies):
            raise ValueError("the latency of a request is not known")
        slowest = max(known) / 1000
        return flag(slowest <= self.max_ms, f"{slowest:,.1f} ms")


class Cost(Scorer):
    """The whole conversation used no more than is allowed."""

    NAME: ClassVar[str] = "cost"

    max_usd: Usd | None = None
    """What all its model calls may cost."""
    max_tokens: _Amount | None = None
    """Tokens that they may take, read and generated."""
    max_output_tokens: _Amount | None = None
    """Tokens that they may generate."""

    @model_validator(mode="after")
    def _bounds_something(self) -> Cost:
        if (self.max_usd, self.max_tokens, self.max_output_tokens) == (None, None, None):
            raise ValueError("`cost` must have max_usd, max_tokens or max_output_tokens")
        return self

    def mark(self, talk: Conversation) -> Mark | None:
        """1 where every bound holds."""
        if talk.failed:
            return FAILED
        spent = [reply.response.cost_signals for reply in talk.replies]
        made = sum(one.output_tokens for one in spent)
        used = [
            (sum(one.nano_usd for one in spent) / NANO, self.max_usd, "USD"),
            (made + sum(one.input_tokens for one in spent), self.max_tokens, "tokens"),
            (made, self.max_output_tokens, "tokens generated"),
        ]
        over = [f"{n:,.6g} {of}" for n, most, of in used if most is not None and n > most]
        return flag(not over, ", ".join(over))
