"""What a part of an evaluation would use at most."""

from __future__ import annotations

from gatekeeper.model.base import Frozen
from gatekeeper.model.record import Arm


class Estimate(Frozen):
    """What one set would use at most, for one arm; money in nano-USD."""

    name: str
    arm: Arm
    conversations: int
    requests: int
    """Messages of all conversations, each replicate counted; tool rounds are not."""
    looked_at: int
    """Samples that the numbers were taken from."""
    input_tokens: int
    output_tokens: int
    nano_usd: int
