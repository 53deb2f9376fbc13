"""Keys out of everything that an endpoint says before anybody sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

HIDDEN: Final = "[key]"
QUOTED: Final = 200
"""Characters of an endpoint's message that are kept."""
_BEARER: Final = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}")


@dataclass(frozen=True, slots=True)
class Redaction:
    """What may never be repeated: the key, and the password of an address."""

    secrets: tuple[str, ...] = ()

    def __call__(self, text: str) -> str:
        """`text` without the secrets."""
        for secret in self.secrets:
            if secret in text:
                text = text.replace(secret, HIDDEN)
        return text

    def quote(self, data: bytes | bytearray) -> str:
        """The beginning of what an endpoint said, on one line; nothing that looks like a key."""
        # Cut only after looking: half a key is no longer found.
        text = self(data[: 1 << 16].decode(errors="replace"))
        return " ".join(_BEARER.sub(rf"\1 {HIDDEN}", text).split())[:QUOTED]
