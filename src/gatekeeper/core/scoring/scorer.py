"""The interface of scorers: settings, what they need of a sample, and what they say of a talk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, Protocol

from pydantic import Field

from gatekeeper.model.base import Frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gatekeeper.core.scoring.conversation import Conversation
    from gatekeeper.model.evalset import Sample, ScorerSpec

Role = Literal["task", "policy", "info"]
"""`task` decides whether a need was met, `policy` whether a rule was broken, `info` neither."""
Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class Mark:
    """What a scorer says of a conversation.

    Attributes:
        value: From 0 to 1, 1 being what is wanted.
        detail: Why, for whoever looks at the sample.
        beside: Further scores by a suffix of the scorer's name, such as ``agreement``.
    """

    value: float
    detail: str | None = None
    beside: Mapping[str, float] = field(default_factory=dict)


class Aids(Protocol):
    """What a scorer may call on beyond the conversation."""

    async def ask(
        self,
        model: str | None,
        messages: Sequence[tuple[str, str]],
        schema: Mapping[str, Any],
        *,
        temperature: float,
        seed: int,
    ) -> str:
        """The answer of a judge model to messages of role and content.

        Args:
            messages: The conversation so far.
            model: Its name; None where there is only one.
            schema: What the answer should conform to, for engines that can guide generation.
            temperature: Of its sampling.
            seed: Differs where the same question is asked again.
        """
        ...

    async def embed(self, embedder: object, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector for each text."""
        ...


class Scorer(Frozen):
    """A scorer: its fields are its settings, and it holds nothing else.

    Class attributes:
        NAME: What an eval set calls it.
        ROLE: What its scores decide where `role` does not say.
        NEEDS: What a sample must hold to be scored, for people.
        NULL: When it says nothing, for people.
        COMPARES: It compares the candidate's conversation with the baseline's on the same sample.
    """

    NAME: ClassVar[str] = ""
    ROLE: ClassVar[Role] = "info"
    NEEDS: ClassVar[str] = "nothing"
    NULL: ClassVar[str] = "never"
    COMPARES: ClassVar[bool] = False

    role: Role | None = None
    """What its scores decide, where that is not what this scorer usually decides."""

    @property
    def decides(self) -> Role:
        """What its scores decide."""
        return self.role or self.ROLE

    @property
    def inner(self) -> tuple[ScorerSpec, ...]:
        """Scorers that it is composed of."""
        return ()

    def holding(self, inner: tuple[Scorer, ...]) -> Scorer:  # noqa: ARG002 - for compositions
        """Itself, with the scorers that `inner` names."""
        return self

    def every(self) -> Iterator[Scorer]:
        """Itself and everything that it is composed of."""
        yield self

    def mapped(self, change: Callable[[Scorer], Scorer]) -> Scorer:
        """Itself changed, and everything that it is composed of."""
        return change(self)

    def fits(self, sample: Sample) -> bool:  # noqa: ARG002 - most look at the sample
        """Whether the sample holds what it needs."""
        return True

    def mark(self, talk: Conversation) -> Mark | None:
        """What it says of a conversation; None where it has nothing to say."""
        raise NotImplementedError

    async def rate(self, talk: Conversation, aids: Aids) -> Mark | None:  # noqa: ARG002
        """As `mark`, for scorers that have to ask somebody first."""
        return self.mark(talk)

    async def compare(
        self, candidate: Conversation, baseline: Conversation, aids: Aids
    ) -> Mark | None:
        """What it says of two conversations on the same sample, where `COMPARES` is set."""
        raise NotImplementedError


class Graded(Scorer):
    """A scorer whose value is a share, or 0 or 1 where a threshold is set."""

    threshold: Share | None = None
    """The least share that is good: the score is then 0 or 1, and decides the task."""

    @property
    def decides(self) -> Role:
        """A share decides nothing; a threshold makes a decision of it."""
        return self.role or ("info" if self.threshold is None else "task")

    def graded(self, share: float, detail: str | None = None) -> Mark:
        """The share as a mark, compared with the threshold where there is one."""
        share = min(1.0, max(0.0, share))
        if self.threshold is None:
            return Mark(share, detail)
        told = f"{share:.3f}" + (f": {detail}" if detail else "")
        return Mark(float(share >= self.threshold), told)


FAILED: Final = Mark(0.0, "a request failed")
"""For scorers that would take silence for a merit."""


def flag(good: bool, detail: str | None = None) -> Mark:  # noqa: FBT001 - the one thing it says
    """1 where it is good, else 0 and why."""
    return Mark(1.0) if good else Mark(0.0, detail)
