"""What is scored: a sample, and what was answered to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.core.scoring.text import words

if TYPE_CHECKING:
    from gatekeeper.model.envelope import ResponseEnvelope
    from gatekeeper.model.evalset import Expectation, Sample
    from gatekeeper.model.record import CallRow, RequestRow


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of a conversation: what went out and what was recorded.

    Attributes:
        chunks: Texts of everything that was retrieved for it, where they are known.
    """

    response: ResponseEnvelope
    row: RequestRow
    chunks: tuple[str, ...] = ()

    @property
    def answered(self) -> bool:
        """Something other than an error or a refusal came back."""
        return self.row.status != "error" and not self.row.refused


@dataclass(frozen=True, slots=True)
class Score:
    """What one scorer says: a value, or why there is none.

    Attributes:
        scorer: What its scores are called.
        value: From 0 to 1.
        detail: Why the value is what it is, for whoever looks at the sample.
        calls: Model calls that the scorer made, also where it failed in the end.
    """

    scorer: str
    value: float | None
    error: str | None = None
    detail: str | None = None
    calls: tuple[CallRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """A sample and the replies to it so far, first to last.

    Attributes:
        abstentions: How answers begin that say that the documentation has none.
        system: The system prompt of the release, as written or as rendered.
    """

    sample: Sample
    replies: tuple[Reply, ...]
    abstentions: tuple[str, ...] = ()
    system: str = ""

    @property
    def expect(self) -> Expectation:
        """What the sample expects."""
        return self.sample.expect

    @property
    def failed(self) -> bool:
        """Whether a request ended in an error: silence then is no merit."""
        return any(reply.row.status == "error" for reply in self.replies)

    @property
    def answer(self) -> str:
        """The last answer."""
        return self.replies[-1].response.answer

    @property
    def said(self) -> tuple[str, ...]:
        """What the person said, first to last, as far as the replies go."""
        later = self.sample.then or tuple(filter(None, [self.sample.follow_up]))
        asked = 1 + sum(not self.goes_on(reply) for reply in self.replies[:-1])
        return (self.sample.input, *later)[:asked]

    def goes_on(self, reply: Reply) -> bool:
        """Whether the script answered the tools that a reply calls: the next goes on from there."""
        calls, script = reply.response.tool_calls, self.sample.tool_results
        return bool(calls) and all(call.approved and call.name in script for call in calls)

    def abstained(self, reply: Reply) -> bool:
        """Whether the answer says that it does not know."""
        said = words(reply.response.answer)
        return reply.answered and any(said.startswith(words(text)) for text in self.abstentions)

    def claims(self, reply: Reply) -> bool:
        """Whether the answer says anything that could be right or wrong."""
        return reply.answered and not self.abstained(reply) and not reply.response.tool_calls


def visible(response: ResponseEnvelope) -> str:
    """Everything that the person gets to see: answer, cited texts, arguments of tool calls."""
    cited = (citation.text for citation in response.citations)
    called = (f"{call.name} {call.arguments}" for call in response.tool_calls)
    return "\n".join((response.answer, *cited, *called))
