"""Scorers of answers from documents: stated facts, what they cite, what they rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Literal

from gatekeeper.core.scoring.outcomes import all_said, wrong
from gatekeeper.core.scoring.scorer import Graded, Mark, Role, Scorer, flag
from gatekeeper.core.scoring.text import holds, unmarked, words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatekeeper.core.scoring.conversation import Conversation, Reply
    from gatekeeper.model.envelope import ResponseEnvelope
    from gatekeeper.model.evalset import Sample


class Facts(Scorer):
    """Every needed fact stated by the end and nothing wrong on the way; or a due abstention."""

    NAME: ClassVar[str] = "facts"
    ROLE: ClassVar[Role] = "task"
    NEEDS: ClassVar[str] = "`contains` or `abstain`"
    NULL: ClassVar[str] = "the sample has neither `contains` nor `abstain`"

    def fits(self, sample: Sample) -> bool:
        """Whether there are facts to state, or nothing to be said."""
        return bool(sample.expect.contains) or sample.expect.abstain

    def mark(self, talk: Conversation) -> Mark | None:
        """1 where the conversation told the person what is right."""
        if talk.expect.abstain:
            return flag(talk.abstained(talk.replies[-1]), "does not say that it does not know")
        if not talk.expect.contains:
            return None
        if any(wrong(talk, reply) for reply in talk.replies):
            return flag(good=False, detail="makes a wrong claim")
        return flag(all_said(talk), "lacks a needed fact")


class Citations(Scorer):
    """Each needed fact that an answer states stands in a chunk that this answer cites."""

    NAME: ClassVar[str] = "citations"
    NEEDS: ClassVar[str] = "`contains`"
    NULL: ClassVar[str] = "no needed fact was stated"

    def fits(self, sample: Sample) -> bool:
        """Whether there are facts that could be cited."""
        return bool(sample.expect.contains)

    def mark(self, talk: Conversation) -> Mark | None:
        """1 where every stated fact is in a cited chunk."""
        stated = [
            (fact, reply)
            for reply in talk.replies
            if talk.claims(reply)
            for fact in talk.expect.contains
            if holds(reply.response.answer, fact)
        ]
        if not stated:
            return None
        bare = [fact for fact, reply in stated if not _cited(fact, reply.response)]
        return flag(not bare, f"no cited chunk holds {', '.join(map(repr, bare))}")


def _cited(fact: str, response: ResponseEnvelope) -> bool:
    return any(holds(citation.text, fact) for citation in response.citations)


class LexicalSupport(Graded):
    """Share of the answers' content words and numbers that occur in the chunks they rest on.

    What scripted tools returned counts as retrieved.

    A measure of words, not of meaning: a denial of what a chunk says scores as well as a copy.
    """

    NAME: ClassVar[str] = "lexical_support"
    NEEDS: ClassVar[str] = "nothing; replies must carry chunks or citations"
    NULL: ClassVar[str] = "no answer makes a claim with a content word in it"

    against: Literal["retrieved", "cited"] = "retrieved"
    """Whether every retrieved chunk counts, or only those that the answer cites."""
    counts: Literal["all", "numbers"] = "all"
    """Whether every content word has to be supported, or numbers alone."""

    def mark(self, talk: Conversation) -> Mark | None:
        """The share over all answers; what the person said and few common words do not count."""
        known = _content(" ".join(talk.said))
        stated: list[tuple[str, bool]] = []
        for reply in filter(talk.claims, talk.replies):
            support = set(words(" ".join(self._texts(reply, talk.sample.tool_results))).split())
            spoken = _content(unmarked(reply.response.answer)) - known
            stated += [(word, word in support) for word in spoken if self._counts(word)]
        if not stated:
            return None
        bare = sorted(word for word, supported in stated if not supported)
        detail = f"nowhere: {', '.join(bare[:_SHOWN])}" if bare else None
        return self.graded(1 - len(bare) / len(stated), detail)

    def _counts(self, word: str) -> bool:
        return self.counts == "all" or any(map(str.isdigit, word))

    def _texts(self, reply: Reply, results: Mapping[str, object]) -> list[str]:
        cited = [citation.text for citation in reply.response.citations]
        if self.against == "cited":
            return cited
        return [*reply.chunks, *cited, *map(str, results.values())]


_SHOWN: Final = 10
_SHORT: Final = 3
_EMPTY: Final = frozenset(
    words(
        "about after also and any are because been before being between both but can could did "
        "does done for from had has have her here his how into its just may might more most must "
        "not now one only other our out over shall she should some such than that the their them "
        "then there these they this those through under until very was way were what when where "
        "which while who why will with would yes you your"
    ).split()
)


def _content(text: str) -> set[str]:
    """Words that mean something of themselves: numbers, and longer words that are not common."""
    found = words(text).split()
    return {
        word
        for word in found
        if any(map(str.isdigit, word)) or (len(word) >= _SHORT and word not in _EMPTY)
    }
