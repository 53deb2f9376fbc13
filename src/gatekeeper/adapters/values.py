"""How a value that was found is shown: shortened, and never where it may be a secret."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from gatekeeper.adapters.tree import Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from gatekeeper.adapters.paths import KeyPath
    from gatekeeper.adapters.tree import Node

MAX_SHOWN: Final = 40
HIDDEN: Final = "a value that is not shown"

_SECRET_ANYWHERE: Final = {
    "password", "passwd", "passphrase", "secret", "secrets", "credential", "credentials",
    "authorization", "apikey", "dsn",
}  # fmt: skip
_SECRET_AT_END: Final = {"key", "token", "cookie", "bearer", "auth"}
_WORDS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+")
_LOOKS_SECRET = re.compile(
    r"-----BEGIN|\b(sk|pk|rk)[-_]\w{8}|\bgh[oprsu]_\w{8}|\bgithub_pat_|\bglpat-|\bAKIA[0-9A-Z]{8}"
    r"|\bxox[abpr]-|\bhf_\w{8}|\beyJ\w{8}|://[^/\s:@]+:[^/\s@]+@|\b[Bb]earer \S"
)


def shown(node: Node | None, path: KeyPath) -> str:
    """What stands there, shortened; nothing of what may be a secret."""
    if isinstance(node, Mapping):
        return f"a mapping of {len(node.pairs)}" if node.pairs else "an empty mapping"
    if isinstance(node, Sequence):
        return f"a list of {len(node.items)}" if node.items else "an empty list"
    value = node.value if isinstance(node, Scalar) else None
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if _secret(path, str(value)):
        return HIDDEN
    text = json.dumps(value, ensure_ascii=False)
    text = text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 2] + "…" + text[-1]
    return f"the text {text}" if isinstance(value, str) else f"the number {text}"


def shortened(text: str) -> str:
    """At most 40 characters of a text."""
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def _secret(path: KeyPath, value: str) -> bool:
    keys = [
        [word.lower() for word in _WORDS.findall(part)] for part in path if isinstance(part, str)
    ]
    anywhere = any(word in _SECRET_ANYWHERE for words in keys for word in words)
    return (
        anywhere
        or any(w[-1:] and w[-1] in _SECRET_AT_END for w in keys)
        or bool(_LOOKS_SECRET.search(value))
    )
