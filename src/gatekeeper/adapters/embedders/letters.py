"""Vectors of letter runs: spelling and no meaning, the same everywhere, nothing to download."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SIZES: Final = (3, 4, 5)
"""Letters of a run; a space stands before and behind each word."""
WIDTH: Final = 1024
"""Places of a vector. Runs that share one are told apart by nothing."""


class LetterEmbedder:
    """Counts runs of 3 to 5 letters, each hashed (CRC-32) to a place of the vector."""

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """Name and version."""
        return {"letters": "1"}

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """The counts."""
        return [_counts(text) for text in texts]

    async def close(self) -> None:
        """Nothing is held."""


def _counts(text: str) -> list[float]:
    vector = [0.0] * WIDTH
    for word in text.casefold().split():
        letters = f" {word} "
        for size in SIZES:
            for start in range(max(1, len(letters) - size + 1)):
                vector[zlib.crc32(letters[start : start + size].encode()) % WIDTH] += 1
    return vector
