"""The scorers of one eval set, together: every score of a conversation, and what they decide."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol

from gatekeeper.core.scoring.conversation import Score
from gatekeeper.core.scoring.scorer import Mark

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    from gatekeeper.core.scoring.conversation import Conversation
    from gatekeeper.core.scoring.scorer import Aids, Scorer
    from gatekeeper.model.record import CallRow

    _Rate = Callable[[Scorer, Aids], Awaitable[Mark | None]]


MOST: Final = 2000
"""Characters of a detail or an error that are kept."""


class Bench(Protocol):
    """Whoever keeps what scorers call on."""

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """What the scores rest on beside the scorers: models, packages and their versions."""
        ...

    def aids(self, request_id: str, scorer: str, calls: list[CallRow]) -> Aids:
        """Help for one scorer and one conversation; model calls are added to `calls`."""
        ...


@dataclass(frozen=True, slots=True)
class Called:
    """A scorer under the name that its scores have."""

    name: str
    scorer: Scorer


@dataclass(frozen=True)
class Scoring:
    """The scorers of one eval set, ready for use.

    Attributes:
        resolved_by: Names of the scores that must all be 1 where a need was met; None for those
            that decide a task.
        halts: Errors that end the run instead of costing a sample its score.
    """

    scorers: tuple[Called, ...]
    bench: Bench
    resolved_by: tuple[str, ...] | None = None
    halts: tuple[type[BaseException], ...] = field(default=())

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """What the scores rest on beside the scorers: models, packages and their versions."""
        return self.bench.fingerprint

    @property
    def has_outcomes(self) -> bool:
        """Whether the set says of its conversations if a need was met."""
        return bool(self._deciding)

    @property
    def has_policy(self) -> bool:
        """Whether a scorer looks for violations."""
        return bool(self._policy)

    @cached_property
    def compares(self) -> bool:
        """Whether a scorer compares the candidate's conversation with the baseline's."""
        return any(one.scorer.COMPARES for one in self.scorers)

    async def score(self, talk: Conversation) -> tuple[Score, ...]:
        """Every score of a conversation, crashes included; none where a scorer says nothing."""
        return await self._scores(
            talk, lambda scorer, aids: scorer.rate(talk, aids), compares=False
        )

    async def compare(self, candidate: Conversation, baseline: Conversation) -> tuple[Score, ...]:
        """Every score of the candidate's conversation beside the baseline's on the same sample."""
        return await self._scores(
            candidate,
            lambda scorer, aids: scorer.compare(candidate, baseline, aids),
            compares=True,
        )

    def resolved(self, talk: Conversation, scores: Sequence[Score]) -> bool | None:
        """Whether the need was met; None where the scores cannot say, or the set judges no task."""
        deciding = [one for one in scores if one.scorer in self._deciding]
        if not self._deciding:
            return None
        return False if talk.failed else _all_one(deciding)

    def violates(self, scores: Sequence[Score]) -> bool | None:
        """Whether a policy was violated; None where who would know crashed or was silent."""
        kept = _all_one([one for one in scores if one.scorer in self._policy])
        return None if kept is None else not kept

    @cached_property
    def _policy(self) -> frozenset[str]:
        return frozenset(one.name for one in self.scorers if one.scorer.decides == "policy")

    @cached_property
    def _deciding(self) -> frozenset[str]:
        if self.resolved_by is not None:
            return frozenset(self.resolved_by)
        return frozenset(one.name for one in self.scorers if one.scorer.decides == "task")

    async def _scores(
        self, talk: Conversation, rate: _Rate, *, compares: bool
    ) -> tuple[Score, ...]:
        found: list[Score] = []
        for one in self.scorers:
            if compares == one.scorer.COMPARES:
                found += await self._guarded(one, talk, rate)
        return tuple(found)

    async def _guarded(self, one: Called, talk: Conversation, rate: _Rate) -> list[Score]:
        calls: list[CallRow] = []
        aids = self.bench.aids(talk.replies[0].row.request_id, one.name, calls)
        try:
            mark = await rate(one.scorer, aids)
            made = [] if mark is None else list(_spread(one.name, checked(mark)))
        except self.halts:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a scorer does, its sample must not pass
            made = [Score(one.name, None, _told(error))]
        if calls:
            first = made[0] if made else Score(one.name, None)
            made[:1] = [Score(first.scorer, first.value, first.error, first.detail, tuple(calls))]
        return made


def _all_one(scores: Sequence[Score]) -> bool | None:
    """Whether all are 1; None where an error leaves that open, or nobody said anything."""
    values = [one.value for one in scores if one.value is not None]
    if any(value < 1 for value in values):
        return False
    crashed = any(one.error is not None for one in scores)
    return True if values and not crashed else None


def _spread(name: str, mark: Mark) -> Iterator[Score]:
    yield Score(name, float(mark.value), None, _kept(mark.detail) if mark.detail else None)
    for suffix, value in mark.beside.items():
        yield Score(f"{name}.{suffix}", float(value))


def _kept(text: str) -> str:
    """As much of a text as a record keeps, and nothing that it cannot hold."""
    return text[:MOST].encode(errors="replace").decode()


def _told(error: Exception) -> str:
    reason = str(error)
    return _kept(f"{type(error).__name__}: {reason}" if reason else type(error).__name__)


def checked(mark: Mark) -> Mark:
    """The mark itself; raises `ValueError` where a value is no number from 0 to 1."""
    if not isinstance(mark, Mark):
        raise TypeError(f"gave {mark!r:.100} instead of a mark")
    for value in (mark.value, *mark.beside.values()):
        number = isinstance(value, int | float)
        if not number or not math.isfinite(value) or not 0 <= value <= 1:
            raise ValueError(f"gave {value!r:.100} instead of a number from 0 to 1")
    return mark
