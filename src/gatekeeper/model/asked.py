"""What an eval set asked, in so few bytes that every verdict can hold it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue

from gatekeeper.model.base import Digest, Frozen
from gatekeeper.model.evalset import Suite


class Asked(Frozen):
    """An eval set as a later one can be compared with it, sample by sample."""

    digest: Digest
    suite: Suite
    samples: Annotated[int, Field(ge=0)]
    """Of the whole set, however few of them a run asked."""
    judged: dict[str, JsonValue] = Field(default_factory=dict)
    """What its header says of how answers are judged: scorers, replicates, clusters and so on."""
    prints: str | None = None
    """Of each sample 96 bits of its sha256, sorted, in base64; null where there are too many."""
