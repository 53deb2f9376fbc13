"""What a tracker of experiments is told of a run: plain values, and nothing secret."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gatekeeper.model.base import Frozen, Name
from gatekeeper.model.moment import Moment
from gatekeeper.model.record import CallRow, RequestRow, ScoreRow
from gatekeeper.model.run import RunSet

State = Literal["created", "completed", "there"]


class TrackedTurn(Frozen):
    """One request of a conversation and what was called for it."""

    request: RequestRow
    calls: tuple[CallRow, ...] = ()


class FailingSample(Frozen):
    """A conversation that fell short."""

    turns: Annotated[tuple[TrackedTurn, ...], Field(min_length=1)]
    scores: tuple[ScoreRow, ...] = ()

    @property
    def id(self) -> str:
        """What it is found again by: its first request."""
        return self.turns[0].request.request_id


class Tracked(Frozen):
    """One run, ready to be sent. The same run and verdict always make the same value."""

    run: Name
    release: str
    """What people call the release that was tested."""
    started: Moment
    ended: Moment | None = None
    decided: Moment
    """When its numbers were computed: a later verdict on the same run replaces them."""
    params: dict[str, str] = Field(default_factory=dict)
    """What decided the result, by digest where it has one."""
    metrics: dict[str, float] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)
    sets: tuple[RunSet, ...] = ()
    artifacts: dict[str, str] = Field(default_factory=dict)
    """Texts by file name."""
    failing: tuple[FailingSample, ...] = ()


class Receipt(Frozen):
    """Where a run is now."""

    experiment: str
    id: str
    """What the tracker calls the run."""
    url: str
    """Where to look at it, without credentials."""
    traces: int = 0
    """Failing samples that are there as traces."""
    state: State = "created"
    """`completed` where the tracker had a part of it or an older verdict, `there` where all."""
