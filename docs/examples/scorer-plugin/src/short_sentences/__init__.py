"""A scorer for gatekeeper: the share of an answer's sentences that are short."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatekeeper.core.scoring import Conversation


def score(talk: Conversation, *, most: int = 25) -> tuple[float, str] | None:
    """Share of the last answer's sentences that have at most `most` words; None without any."""
    sentences = [one for one in re.split(r"[.!?]+\s+|\n+", talk.answer) if one.strip()]
    if not sentences:
        return None
    longest = max(len(one.split()) for one in sentences)
    short = sum(len(one.split()) <= most for one in sentences)
    return short / len(sentences), f"the longest has {longest} words"
