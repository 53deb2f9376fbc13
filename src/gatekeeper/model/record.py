"""The four tables that evaluation, serving, canary and shadow all write.

Times are integer microseconds since the epoch (UTC) or durations in microseconds; money is integer
nano-USD. A record is append-only; late facts are rows of `outcomes`. Null means not known: records
that another tool made may not say, and what is not known is never taken for zero.
"""

from __future__ import annotations

from typing import Final, Literal

from gatekeeper.model.base import Frozen

Lane = Literal["stable", "canary", "shadow", "offline"]
Arm = Literal["candidate", "baseline"]
JUDGE: Final = ":judge"
"""The tier of calls that scorers make: no release's, and no part of what a release costs."""
Status = Literal["ok", "degraded", "needs_review", "blocked", "error"]
"""How a request ended."""
CallOutcome = Literal["ok", "error", "timeout", "cancelled", "circuit_open"]


class RequestRow(Frozen):
    """One request through one release. `set_digest` is null online."""

    request_id: str
    time: int
    lane: Lane
    release: str
    serial: int = 0
    sample_id: str | None = None
    set_digest: str | None = None
    suite: str | None = None
    cluster: str | None = None
    replicate: int = 0
    turn: int = 0
    """0 is the first message of a conversation; scripted ones count on from 1."""
    arm: Arm | None = None
    """The side of a comparison that it was sent for; null where the release says it."""
    trace_id: str | None = None
    parent: str | None = None
    conversation: str | None = None
    tenant: str | None = None
    product: str | None = None
    workload: str | None = None
    feature: str | None = None
    journey: str | None = None
    task_class: str | None = None
    route: str | None = None
    status: Status
    reason: str | None = None
    refused: bool | None = None
    """Nothing was answered because a guardrail or the model declined."""
    policy_violation: bool | None = None
    schema_valid: bool | None = None
    """Null where no schema applies."""
    sources: tuple[str, ...] = ()
    breach_actions: tuple[str, ...] | None = ()
    forbidden_tool_calls: int | None = 0
    latency_us: int | None
    scheduled_us: int | None = None
    """Load suite: when it was due, relative to the start; latency counts from there. Suites and
    turns follow each other without a gap, so that requests have one order."""
    tags: tuple[str, ...] | None = None
    """``tag=value`` of the sample, sorted."""
    fell_back: bool | None = None
    """Another tier was to answer, because one that had been chosen failed."""
    limited: bool | None = None
    """The model would have been asked again, and a limit on depth, retries or calls forbade it."""
    continues: bool | None = None
    """It holds what called tools said, and nothing new of the person."""
    input: str = ""
    answer: str = ""


class CallRow(Frozen):
    """One attempt at one model or tool. Token classes are disjoint: their sum is the total."""

    request_id: str
    attempt: int | None
    """From 1, and from 1000 for scripted tools; null where it is not known how many there were."""
    kind: Literal["model", "tool"] = "model"
    tier: str | None = None
    model: str
    adapter: str | None = None
    input_tokens: int | None = 0
    """Prompt tokens that were computed (not read from a cache)."""
    cached_input_tokens: int | None = 0
    output_tokens: int | None = 0
    time_to_first_token_us: int | None = None
    queue_us: int | None = None
    inter_token_us: int | None = None
    kv_cache_usage: float | None = None
    finish_reason: str | None = None
    from_cache: bool = False
    """Read from the response cache: priced as the release's cost, and not paid again."""
    latency_us: int | None
    outcome: CallOutcome
    error: str | None = None
    nano_usd: int | None = 0
    input_nano_usd: int | None = None
    """What the prompt cost, its cached part included; a part of `nano_usd`."""
    saved_nano_usd: int | None = None
    """What the cached part of the prompt would have cost more if it had been computed."""
    unauthorised: bool | None = None
    """Of a tool: it ran without the person's approval that it needed."""
    price_book: str | None = None

    @property
    def tokens(self) -> int | None:
        """Tokens of all classes; None where any is not known."""
        classes = (self.input_tokens, self.cached_input_tokens, self.output_tokens)
        known = [count for count in classes if count is not None]
        return sum(known) if len(known) == len(classes) else None


class ScoreRow(Frozen):
    """What one scorer says of one request: a value, or why there is none."""

    request_id: str
    scorer: str
    value: float | None
    error: str | None = None
    detail: str | None = None


class OutcomeRow(Frozen):
    """A late fact about a request; null means not known."""

    request_id: str
    time: int
    source: Literal["scorer", "feedback", "review"]
    resolved: bool | None = None
    follow_up: bool | None = None
    corrected: bool | None = None
    dissatisfied: bool | None = None
    reviewed: bool | None = None


Row = RequestRow | CallRow | ScoreRow | OutcomeRow
