"""What an eval set asks, as a verdict keeps it, and how much of it a later set still asks."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Final

from gatekeeper.core.canonical import canonical
from gatekeeper.model.asked import Asked

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatekeeper.model.evalset import EvalSet, Sample

MOST: Final = 20_000
"""Samples of a set that are kept one by one; of more, only whether all are the same."""
PRINT: Final = 12
"""Bytes a sample: nobody finds another sample of the same 96 bits."""
JUDGING: Final = frozenset(
    {"scorers", "resolved_by", "abstentions", "replicates", "cluster", "load"}
)
"""Keys of a header that decide what an answer is worth."""


def asked_of(header: EvalSet, digest: str, samples: Iterable[Sample], count: int) -> Asked:
    """What a set asks.

    Args:
        header: Of the set.
        digest: Of the set.
        samples: All of them, in any order; not looked at where there are more than `MOST`.
        count: How many they are.
    """
    prints = b"".join(sorted(map(_print, samples))) if count <= MOST else None
    return Asked(
        digest=digest,
        suite=header.suite,
        samples=count,
        judged=header.model_dump(mode="json", include=set(JUDGING), exclude_defaults=True),
        prints=None if prints is None else base64.b64encode(prints).decode(),
    )


def prints_of(asked: Asked) -> Counter[bytes] | None:
    """The samples of a set, or None where they were not kept one by one."""
    if asked.prints is None:
        return None
    data = base64.b64decode(asked.prints)
    return Counter(data[start : start + PRINT] for start in range(0, len(data), PRINT))


def _print(sample: Sample) -> bytes:
    written = canonical(sample.model_dump(mode="json", exclude_defaults=True))
    return hashlib.sha256(written).digest()[:PRINT]
