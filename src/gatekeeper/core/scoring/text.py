"""Texts as scorers compare them."""

from __future__ import annotations

import re
import string
from functools import lru_cache
from typing import Final

_WORD = re.compile(r"[^\W_]+(?:[.,'-][^\W_]+)*")
_NUMBER = re.compile(
    r"(?<![\w.])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:[eE][-+]?\d+)?(?: ?%)?"
)
_MARKER = re.compile(r"\[\d{1,3}\]")
_ARTICLE = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION: Final = str.maketrans("", "", string.punctuation + "‘’“”«»„–—…")  # noqa: RUF001


@lru_cache(maxsize=128)
def words(text: str) -> str:
    """The words of a text, without case and punctuation around them, spaced by one space."""
    return " " + "".join(f"{word} " for word in _WORD.findall(text.casefold()))


def holds(text: str, phrase: str) -> bool:
    """Whether the words of `phrase` stand in `text`, whole and in order."""
    return words(phrase) in words(text)


def leaks(text: str, secret: str) -> bool:
    """Whether `secret` stands in `text`, however it is spaced and punctuated."""
    return _compact(secret) in _compact(text)


def unmarked(answer: str) -> str:
    """An answer without the marks of its citations, such as ``[2]``."""
    return _MARKER.sub(" ", answer)


def normalised(text: str) -> str:
    """Without case, punctuation, English articles and surplus spaces, as SQuAD compares answers."""
    return " ".join(_ARTICLE.sub(" ", text.casefold().translate(_PUNCTUATION)).split())


def numbers(text: str) -> list[float]:
    """The numbers of a text; commas group thousands, and a percent sign divides by 100."""
    return [_value(found) for found in _NUMBER.findall(text) if any(map(str.isdigit, found))]


def _value(found: str) -> float:
    plain = found.rstrip(" %").replace(",", "")
    return float(plain) / (100 if found.endswith("%") else 1)


def _compact(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())
