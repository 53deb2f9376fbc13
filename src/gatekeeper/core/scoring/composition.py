"""Scorers made of scorers: all, any, not, weighted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field, PrivateAttr, model_validator

from gatekeeper.core.scoring.scorer import FAILED, Graded, Mark, Role, Scorer
from gatekeeper.model.evalset import ScorerSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

    from gatekeeper.core.scoring.conversation import Conversation
    from gatekeeper.core.scoring.scorer import Aids
    from gatekeeper.model.evalset import Sample

_Said = tuple[int, Scorer, Mark]
"""What one scorer says, with its place."""
_Specs = Annotated[tuple[ScorerSpec, ...], Field(min_length=1, max_length=100)]


class _Composed(Scorer):
    """A scorer of scorers; it says nothing of a sample that none of them scores."""

    NEEDS: ClassVar[str] = "what one of its scorers needs"
    NULL: ClassVar[str] = "none of its scorers says anything"

    _scorers: tuple[Scorer, ...] = PrivateAttr(())

    def holding(self, inner: tuple[Scorer, ...]) -> Self:
        """Itself, with its scorers in the order in which they are given."""
        made = self.model_copy()
        made._scorers = inner  # noqa: SLF001 - its own
        return made

    def every(self) -> Iterator[Scorer]:
        """Itself and everything inside."""
        yield self
        for scorer in self._scorers:
            yield from scorer.every()

    def mapped(self, change: Callable[[Scorer], Scorer]) -> Scorer:
        """Itself changed, over changed scorers."""
        return change(self.holding(tuple(one.mapped(change) for one in self._scorers)))

    @property
    def decides(self) -> Role:
        """What its scorers decide, where they all decide the same."""
        roles = {scorer.decides for scorer in self._scorers}
        return self.role or (roles.pop() if len(roles) == 1 else "info")

    def fits(self, sample: Sample) -> bool:
        """Whether one of them has something to score."""
        return any(scorer.fits(sample) for scorer in self._scorers)

    async def _marks(self, talk: Conversation, aids: Aids) -> list[_Said]:
        """What they say, each with its place; one that fails makes the whole fail."""
        found = [(n, one, await one.rate(talk, aids)) for n, one in enumerate(self._scorers)]
        return [(n, one, mark) for n, one, mark in found if mark is not None]


class _Several(_Composed):
    """A scorer of several, one of which gives its value."""

    of: _Specs
    """The scorers; those that have nothing to say of a sample are left out."""

    @property
    def inner(self) -> tuple[ScorerSpec, ...]:
        """Its scorers as they are written."""
        return self.of

    async def rate(self, talk: Conversation, aids: Aids) -> Mark | None:
        """The value that counts, and whose it is."""
        marks = await self._marks(talk, aids)
        return _told(self._counting(marks)) if marks else None

    def _counting(self, marks: list[_Said]) -> _Said:
        raise NotImplementedError


class All(_Several):
    """The least of its scorers: 1 only where they all are 1."""

    NAME: ClassVar[str] = "all"

    def _counting(self, marks: list[_Said]) -> _Said:
        return min(marks, key=_value)


class AnyOf(_Several):
    """The greatest of its scorers: 1 where one of them is 1."""

    NAME: ClassVar[str] = "any"

    def _counting(self, marks: list[_Said]) -> _Said:
        return max(marks, key=_value)


def _value(said: _Said) -> float:
    return said[2].value


def _told(found: _Said) -> Mark:
    _, scorer, mark = found
    detail = f"{scorer.NAME}: {mark.detail}" if mark.detail else scorer.NAME
    return Mark(mark.value, detail)


class Not(_Composed):
    """1 less its scorer. It decides nothing about policy: what is not a leak is no virtue."""

    NAME: ClassVar[str] = "not"
    NEEDS: ClassVar[str] = "what its scorer needs"
    NULL: ClassVar[str] = "its scorer says nothing"

    of: ScorerSpec
    """The scorer."""

    @property
    def inner(self) -> tuple[ScorerSpec, ...]:
        """Its scorer as it is written."""
        return (self.of,)

    @property
    def decides(self) -> Role:
        """The task, where its scorer does."""
        task = all(scorer.decides == "task" for scorer in self._scorers)
        return self.role or ("task" if task else "info")

    async def rate(self, talk: Conversation, aids: Aids) -> Mark | None:
        """The complement; 0 where a request failed, for then nothing was avoided."""
        marks = await self._marks(talk, aids)
        if not marks or talk.failed:
            return FAILED if marks else None
        mark = marks[0][2]
        return Mark(1 - mark.value, f"not {mark.detail}" if mark.detail else None)


class Weighted(_Composed, Graded):
    """The mean of its scorers by weight, compared with `threshold` where there is one."""

    NAME: ClassVar[str] = "weighted"

    of: _Specs
    """The scorers; those that have nothing to say of a sample are left out of the mean."""
    weights: tuple[Annotated[float, Field(gt=0, le=1e6)], ...]
    """One for each scorer, in their order."""

    @model_validator(mode="after")
    def _one_each(self) -> Weighted:
        if len(self.weights) != len(self.of):
            raise ValueError(f"`weights` must have one number for each scorer: {len(self.of)}")
        return self

    @property
    def inner(self) -> tuple[ScorerSpec, ...]:
        """Its scorers as they are written."""
        return self.of

    @property
    def decides(self) -> Role:
        """The task, where a threshold makes a decision of it."""
        return Graded.decides.fget(self)  # type: ignore[attr-defined, no-any-return]

    async def rate(self, talk: Conversation, aids: Aids) -> Mark | None:
        """The mean over the scorers that say something."""
        marks = await self._marks(talk, aids)
        if not marks:
            return None
        total = sum(self.weights[n] for n, _, _ in marks)
        mean = sum(self.weights[n] * mark.value for n, _, mark in marks) / total
        parts = ", ".join(f"{one.NAME} {mark.value:g}" for _, one, mark in marks)
        return self.graded(mean, parts)
