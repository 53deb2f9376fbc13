"""Scorers that ask a model: a rubric's points for one answer, and which of two is better."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from pydantic import Field

from gatekeeper.core.scoring.asking import MOST, PAIR, RUBRIC, Asking, told
from gatekeeper.core.scoring.scorer import FAILED, Graded, Mark, Scorer
from gatekeeper.model.base import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatekeeper.core.scoring.conversation import Conversation
    from gatekeeper.core.scoring.scorer import Aids


class _Grade(Frozen):
    reason: str = ""
    points: int


class _Choice(Frozen):
    reason: str = ""
    better: str


class Judge(Asking, Graded):
    """A model's points for the conversation by a rubric, as a share of the most there are."""

    NAME: ClassVar[str] = "judge"
    NEEDS: ClassVar[str] = "nothing; a judge model must be there"

    points: Annotated[int, Field(ge=2, le=100)] = 5
    """The most points; 1 is the least, and 2 makes a plain yes or no."""
    repeat: Annotated[int, Field(ge=1, le=25)] = 1
    """How often it is asked, each time with a seed of its own; the mean counts."""

    async def rate(self, talk: Conversation, aids: Aids) -> Mark | None:
        """The mean of the points as a share, and how far the repetitions agree."""
        if talk.failed:
            return FAILED
        question = self.question(RUBRIC, talk, told(talk), self.points)
        grades = [await self._grade(question, aids, n) for n in range(self.repeat)]
        shares = [(grade.points - 1) / (self.points - 1) for grade in grades]
        mark = self.graded(sum(shares) / len(shares), grades[0].reason[:MOST] or None)
        if self.repeat == 1:
            return mark
        return Mark(mark.value, mark.detail, {"agreement": agreement(self._verdicts(shares))})

    def _verdicts(self, shares: list[float]) -> list[float]:
        if self.threshold is None:
            return shares
        return [float(share >= self.threshold) for share in shares]

    async def _grade(self, question: str, aids: Aids, number: int) -> _Grade:
        schema = _object("points", {"type": "integer", "minimum": 1, "maximum": self.points})
        return await self.asked(question, schema, aids, _Grade, number)


class Pairwise(Asking, Scorer):
    """Whether a model finds the candidate's answer better (1) or the baseline's (0); 0.5 is a tie.

    It is asked in both orders; where the orders disagree, it is a tie.
    """

    NAME: ClassVar[str] = "pairwise"
    NEEDS: ClassVar[str] = "nothing; a judge model and a baseline must be there"
    NULL: ClassVar[str] = "there is no baseline"
    COMPARES: ClassVar[bool] = True

    async def compare(
        self, candidate: Conversation, baseline: Conversation, aids: Aids
    ) -> Mark | None:
        """Who wins; beside it, whether the orders agree and how often the first place won.

        A candidate whose request failed loses, and a baseline whose request failed is no measure.
        """
        if candidate.failed or baseline.failed:
            return FAILED if candidate.failed else None
        ahead = await self._first(candidate, baseline, aids, 0)
        behind = await self._first(baseline, candidate, aids, 1)
        agree = ahead == 1 - behind
        value = ahead if agree else 0.5
        beside = {"consistent": float(agree), "first": (ahead + behind) / 2}
        return Mark(value, None if agree else "a tie: the orders disagree", beside)

    async def _first(
        self, first: Conversation, second: Conversation, aids: Aids, number: int
    ) -> float:
        content = {key: value for key, value in told(first).items() if key != "turns"}
        content |= {"first_answer": _answers(first), "second_answer": _answers(second)}
        schema = _object("better", {"enum": list(_PLACES)})
        question = self.question(PAIR, first, content)
        choice = await self.asked(question, schema, aids, _Choice, number)
        return _PLACES[choice.better]


_PLACES: Final = {"first": 1.0, "second": 0.0, "neither": 0.5}


def _answers(talk: Conversation) -> list[str]:
    return [reply.response.answer for reply in talk.replies]


def agreement(verdicts: list[float]) -> float:
    """Share of the pairs of repetitions that say the same."""
    pairs = list(combinations(verdicts, 2))
    return sum(one == other for one, other in pairs) / len(pairs)


def _object(name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"reason": {"type": "string", "maxLength": MOST}, name: value},
        "required": ["reason", name],
        "additionalProperties": False,
    }
