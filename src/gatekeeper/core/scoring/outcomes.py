"""What a conversation was worth to the person, before any scorer looks at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.core.scoring.text import holds

if TYPE_CHECKING:
    from gatekeeper.core.scoring.conversation import Conversation, Reply


def falls_short(talk: Conversation) -> bool:
    """Whether the person has to ask again: an answer came back and lacks a needed fact.

    Who is refused, or told that the documentation has no answer, gives up instead.
    """
    last = talk.replies[-1]
    return talk.claims(last) and not all_said(talk)


def all_said(talk: Conversation) -> bool:
    """Whether every needed fact was stated by the end."""
    said = "\n".join(reply.response.answer for reply in talk.replies if reply.answered)
    return all(holds(said, fact) for fact in talk.expect.contains)


def wrong(talk: Conversation, reply: Reply) -> bool:
    """A claim is wrong if it is none of the needed facts, or one that the sample excludes."""
    if not talk.claims(reply):
        return False
    answer = reply.response.answer
    needed = any(holds(answer, fact) for fact in talk.expect.contains)
    return not needed or any(holds(answer, claim) for claim in talk.expect.excludes)
