"""What every tool's results come down to: one item a request, and what the file says of itself."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from gatekeeper.model.record import CallRow, OutcomeRow, RequestRow, ScoreRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from gatekeeper.model.evalset import Suite
    from gatekeeper.model.record import Arm, Row, Status

_TAG: Final = re.compile(r"[A-Za-z_][\w.-]{0,62}")
_LONGEST: Final = 200
"""Characters of a tag's value."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one scorer of the tool said: a number, or why there is none."""

    scorer: str
    value: float | None
    error: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What the model calls of one request consumed; None where the tool does not say."""

    model: str = "unknown"
    input_tokens: int | None = None
    cached_input_tokens: int | None = None
    output_tokens: int | None = None
    nano_usd: int | None = None
    time_to_first_token_us: int | None = None
    inter_token_us: int | None = None
    latency_us: int | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One request as a tool recorded it; None is what the tool does not say.

    Attributes:
        replicate: Which asking of the sample it was, from 0.
        suite: Where the tool knows better than the person who imports.
    """

    sample: str
    status: Status
    replicate: int = 0
    suite: Suite | None = None
    cluster: str | None = None
    tags: tuple[str, ...] | None = None
    time_us: int | None = None
    latency_us: int | None = None
    scheduled_us: int | None = None
    reason: str | None = None
    resolved: bool | None = None
    refused: bool | None = None
    policy_violation: bool | None = None
    schema_valid: bool | None = None
    input: str = ""
    answer: str = ""
    usage: Usage = field(default_factory=Usage)
    scores: tuple[Judgement, ...] = ()


@dataclass(slots=True)
class About:
    """What a file says of itself; complete once its items were read.

    Attributes:
        tool: Name and version of what made it.
        name: Of the eval, as the tool calls it.
        suite: Of items that name none, where the person does not say either.
        declared: Samples that the tool meant to ask; None where it does not say.
        of: Samples of the whole set, where only some were meant to be asked.
        replicates: How often each was to be asked.
        partial: Why the results cannot decide anything.
    """

    tool: str
    name: str = ""
    suite: Suite = "quality"
    declared: int | None = None
    of: int | None = None
    replicates: int = 1
    started: datetime | None = None
    ended: datetime | None = None
    partial: list[str] = field(default_factory=list)


class Importer(Protocol):
    """Reads the results of one tool."""

    about: About

    def files(self) -> tuple[Path, ...]:
        """Everything that is read."""
        ...

    def items(self) -> Iterator[Item]:
        """Every request, streamed; raises `InputError` for what is not as the tool writes it."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where the rows of an item go: what every row of one file shares."""

    run: str
    release: str
    arm: Arm
    set_digest: str
    suite: Suite
    price_book: str
    time_us: int


def rows_of(item: Item, place: Place) -> tuple[Row, ...]:
    """The rows of an item, by table; only what is known is said."""
    request_id = f"{place.run}:{place.arm}:{item.sample}:{item.replicate}"
    rows: list[Row] = [_request(request_id, item, place), _call(request_id, item, place)]
    rows += [
        ScoreRow(
            request_id=request_id,
            scorer=one.scorer,
            value=one.value,
            error=one.error,
            detail=one.detail,
        )
        for one in item.scores
    ]
    if item.resolved is not None:
        time = item.time_us or place.time_us
        rows.append(
            OutcomeRow(request_id=request_id, time=time, source="scorer", resolved=item.resolved)
        )
    return tuple(rows)


def _request(request_id: str, item: Item, place: Place) -> RequestRow:
    return RequestRow(
        request_id=request_id,
        time=item.time_us or place.time_us,
        lane="offline",
        release=place.release,
        arm=place.arm,
        sample_id=item.sample,
        set_digest=place.set_digest,
        suite=item.suite or place.suite,
        cluster=item.cluster,
        tags=item.tags,
        replicate=item.replicate,
        conversation=request_id,
        status=item.status,
        reason=item.reason,
        refused=item.refused,
        policy_violation=item.policy_violation,
        schema_valid=item.schema_valid,
        breach_actions=None,
        forbidden_tool_calls=None,
        latency_us=item.latency_us,
        scheduled_us=item.scheduled_us,
        input=item.input,
        answer=item.answer,
    )


def _call(request_id: str, item: Item, place: Place) -> CallRow:
    """One row for all calls of the request: no tool says how often it tried."""
    usage = item.usage
    return CallRow(
        request_id=request_id,
        attempt=None,
        model=usage.model,
        input_tokens=usage.input_tokens,
        cached_input_tokens=usage.cached_input_tokens,
        output_tokens=usage.output_tokens,
        time_to_first_token_us=usage.time_to_first_token_us,
        inter_token_us=usage.inter_token_us,
        latency_us=usage.latency_us,
        outcome="error" if item.status == "error" else "ok",
        error=item.reason if item.status == "error" else None,
        nano_usd=usage.nano_usd,
        price_book=None if usage.nano_usd is None else place.price_book,
    )


def judged(scorer: str, value: Any, words: Mapping[str, float], detail: str = "") -> Judgement:
    """A score from whatever a tool writes: a number, a truth, or one of its words.

    Anything else is an error of the score, never a number that was made up.
    """
    number = words.get(value) if isinstance(value, str) else value
    if isinstance(number, bool | int | float) and math.isfinite(number):
        return Judgement(scorer, float(number), detail=detail or None)
    found = "nothing" if value is None else repr(value)[:80]
    return Judgement(scorer, None, f"{found} is no score", detail or None)


def resolved(scores: Sequence[Judgement], wanted: Sequence[str]) -> bool | None:
    """Whether the scores that decide it are all 1; None where one is absent or an error."""
    values = {one.scorer: one.value for one in scores}
    found = [values.get(name) for name in wanted]
    return all(value == 1 for value in found) if found and None not in found else None


def tags_of(values: Mapping[str, Any]) -> tuple[str, ...]:
    """``tag=value`` of what a tool says of a sample: short words and numbers, no lists."""
    return tuple(
        sorted(
            f"{tag}={value}"
            for tag, value in values.items()
            if _TAG.fullmatch(tag) and isinstance(value, str | int) and len(str(value)) <= _LONGEST
        )
    )


def first_line(text: str | None) -> str:
    """The beginning of what a tool says, for a reason or a detail."""
    return (text or "").strip().partition("\n")[0][:500]


def micro(seconds: float | None) -> int | None:
    """Seconds as integer microseconds."""
    return None if seconds is None else round(seconds * 1e6)
