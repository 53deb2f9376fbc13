"""Scorers of likeness to a good answer. The best of several references counts.

ROUGE-L is the F1 of the longest common subsequence of words (Lin 2004); chrF is that of Popović
(2015) as sacreBLEU computes it, with its usual six letters and beta 2; token F1 is SQuAD's.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, ClassVar, Literal

from gatekeeper.core.scoring.matching import references
from gatekeeper.core.scoring.scorer import FAILED, Graded, Mark
from gatekeeper.core.scoring.text import normalised
from gatekeeper.model.base import Frozen, Identifier, ShortText

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.core.scoring.conversation import Conversation
    from gatekeeper.core.scoring.scorer import Aids
    from gatekeeper.model.evalset import Sample


class _Likeness(Graded):
    """How like the last answer is to the best of the references."""

    NEEDS: ClassVar[str] = "`references` or `exact`"
    NULL: ClassVar[str] = "the sample has neither `references` nor `exact`"

    def fits(self, sample: Sample) -> bool:
        """Whether there is something to be like."""
        return bool(references(sample))

    def mark(self, talk: Conversation) -> Mark | None:
        """The greatest likeness."""
        wanted = references(talk.sample)
        if not wanted or talk.failed:
            return FAILED if wanted else None
        return self.graded(max(self.likeness(talk.answer, one) for one in wanted))

    def likeness(self, answer: str, reference: str) -> float:
        """From 0 to 1."""
        raise NotImplementedError


class TokenF1(_Likeness):
    """F1 of the words that answer and reference share, as SQuAD counts them."""

    NAME: ClassVar[str] = "token_f1"

    def likeness(self, answer: str, reference: str) -> float:
        """Harmonic mean of precision and recall over the bags of words; equal if one is empty."""
        ours, theirs = normalised(answer).split(), normalised(reference).split()
        if not ours or not theirs:
            return float(ours == theirs)
        return f1((Counter(ours) & Counter(theirs)).total(), len(ours), len(theirs))


class RougeL(_Likeness):
    """F1 of the longest sequence of words that answer and reference have in common."""

    NAME: ClassVar[str] = "rouge_l"

    def likeness(self, answer: str, reference: str) -> float:
        """ROUGE-L, words being runs of letters and digits, lower case, not stemmed."""
        from rapidfuzz.distance import LCSseq

        ours, theirs = _tokens(answer), _tokens(reference)
        return f1(LCSseq.similarity(ours, theirs), len(ours), len(theirs))


class ChrF(_Likeness):
    """F2 of runs of up to six letters that answer and reference share."""

    NAME: ClassVar[str] = "chrf"

    def likeness(self, answer: str, reference: str) -> float:
        """chrF2 of one sentence."""
        from sacrebleu.metrics.chrf import CHRF

        score: float = CHRF().sentence_score(answer, [reference]).score
        return score / 100


class Endpoint(Frozen):
    """An OpenAI-compatible `/v1/embeddings`."""

    url: ShortText
    """Up to and with ``/v1``."""
    model: ShortText
    key_env: Identifier | None = None
    """Environment variable that holds the key."""


class Similarity(_Likeness):
    """Cosine of the embeddings of answer and reference, 0 where it is negative.

    What it measures is for the embedder to say. `letters` counts runs of letters: it knows
    spelling and no meaning, and needs nothing to be downloaded.
    """

    NAME: ClassVar[str] = "similarity"

    embedder: Literal["letters"] | Endpoint
    """`letters`, or an endpoint: ``{url: 'http://localhost:8000/v1', model: bge-small}``."""

    async def rate(self, talk: Conversation, aids: Aids) -> Mark | None:
        """The greatest cosine over the references."""
        wanted = references(talk.sample)
        if not wanted or talk.failed:
            return FAILED if wanted else None
        ours, *theirs = await aids.embed(self.embedder, [talk.answer, *wanted])
        return self.graded(max(cosine(ours, one) for one in theirs))


def f1(common: float, ours: int, theirs: int) -> float:
    """Harmonic mean of the shares of what is common."""
    return 2 * common / (ours + theirs) if common else 0.0


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """Cosine of two vectors; 0 where one is zero; raises `ValueError` where lengths differ."""
    ours, theirs = math.hypot(*one), math.hypot(*other)
    if not ours or not theirs:
        return 0.0
    return math.fsum((a / ours) * (b / theirs) for a, b in zip(one, other, strict=True))


def _tokens(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())
