"""Scorers: what one conversation was worth. Pure, and never in doubt in a release's favour.

A score is 1 where the conversation did what the sample expects, 0 where it did not, something
between where a share is measured, and absent where the scorer has nothing to say of the sample. A
scorer that crashes gives an error instead of a value; what rests on it is then unknown.
"""

from gatekeeper.core.scoring.conversation import Conversation, Reply, Score, visible
from gatekeeper.core.scoring.outcomes import falls_short
from gatekeeper.core.scoring.panel import Scoring
from gatekeeper.core.scoring.text import holds, leaks, words

__all__ = [
    "Conversation",
    "Reply",
    "Score",
    "Scoring",
    "falls_short",
    "holds",
    "leaks",
    "visible",
    "words",
]
