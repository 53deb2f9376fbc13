"""An index of the phrases of many texts: where else do runs of these words stand?

Words are numbered, texts become one array of numbers, and every five words in a row are looked up
by a polynomial hash. Some 24 bytes a word are kept; a table of a byte a slot answers most questions
with no.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

GRAM: Final = 5
"""Words that are looked up at once; shorter runs are not found."""
FOLLOWED: Final = 256
"""Places to which one phrase is followed."""
_PRIME: Final = 0x9E3779B97F4A7C15
_MASK: Final = (1 << 64) - 1
_SPARE: Final = 3
"""Slots a phrase, as a power of two."""
_WORD: Final = re.compile(r"\w+")
_UNKNOWN: Final = 0
_GAP: Final = 1


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of words that a text shares: from `start` to before `end`, at `place` of `text`."""

    start: int
    end: int
    text: int
    place: int

    @property
    def length(self) -> int:
        """Words."""
        return self.end - self.start


def words(text: str) -> list[str]:
    """The words of a text, whatever their case, accents' encoding, punctuation and spacing."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return _WORD.findall(plain.casefold())


class PhraseIndex:
    """Texts by their phrases.

    Args:
        texts: The texts, each known by its number.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._numbers: dict[str, int] = {}
        self._starts = array("Q")
        self._words = array("I", [_GAP])
        for text in texts:
            self._starts.append(len(self._words))
            self._words.extend([self._number(word) for word in words(text)])
            self._words.append(_GAP)
        self._hashes, self._places = _grams(self._words)
        bits = len(self._hashes).bit_length() + _SPARE
        self._shift = 64 - bits
        self._slots = _slots(self._hashes, bits)

    @property
    def empty(self) -> bool:
        """Whether no text is long enough to hold a phrase."""
        return not len(self._hashes)

    def numbered(self, found: Sequence[str]) -> list[int]:
        """Words as their numbers here; 0 for a word that no text has."""
        known = self._numbers
        return [known.get(word, _UNKNOWN) for word in found]

    def stretches(self, numbers: list[int], least: int) -> Iterator[Stretch]:
        """Runs of at least `least` words (five or more) that a text has too, each once.

        Such a run is a series of phrases that are all known, and every so many words there is one
        of them that is followed to where it stands: the rarest.
        """
        need = least - GRAM + 1
        seen: set[tuple[int, int]] = set()
        for first, last in self._known_series(numbers, need):
            for start in self._followed(numbers, first, last, need):
                for place in self._found(numbers[start : start + GRAM]):
                    stretch = self._extended(numbers, start, place)
                    key = stretch.start, stretch.place
                    if stretch.length >= least and key not in seen:
                        seen.add(key)
                        yield stretch

    def after(self, stretch: Stretch, count: int) -> array[int]:
        """The words of the text that follow a run, at most `count`."""
        end = stretch.place + stretch.length
        following = self._words[end : end + count]
        return following[: following.index(_GAP)] if _GAP in following else following

    def _number(self, word: str) -> int:
        return self._numbers.setdefault(word, len(self._numbers) + _GAP + 1)

    def _known_series(self, numbers: list[int], need: int) -> Iterator[tuple[int, int]]:
        """First and last of at least `need` phrases in a row that may be known."""
        total, first = len(numbers) - GRAM + 1, 0
        while first + need <= total:
            # Looking at the last of them first skips most of what is not known.
            last = first + need - 1
            start = last
            while start >= first and self._may_hold(numbers[start : start + GRAM]):
                start -= 1
            if start >= first:
                first = start + 1
                continue
            while last + 1 < total and self._may_hold(numbers[last + 1 : last + 1 + GRAM]):
                last += 1
            yield first, last
            first = last + 2

    def _followed(self, numbers: list[int], first: int, last: int, need: int) -> Iterator[int]:
        """Phrases of a series, one in any `need` in a row, each the rarest that would do."""
        while first + need - 1 <= last:
            choice = range(first, first + need)
            rarest = min(choice, key=lambda start: self._span(numbers[start : start + GRAM])[1])
            yield rarest
            first = rarest + 1

    def _may_hold(self, gram: list[int]) -> bool:
        return _UNKNOWN not in gram and self._slots[_hash(gram) >> self._shift] != 0

    def _span(self, gram: list[int]) -> tuple[int, int]:
        """Where a phrase begins among the hashes, and how often it is there."""
        import numpy as np

        key = np.uint64(_hash(gram))
        first = int(np.searchsorted(self._hashes, key))
        return first, int(np.searchsorted(self._hashes, key, side="right")) - first

    def _found(self, gram: list[int]) -> list[int]:
        """Where these five words stand, or some of the places."""
        first, count = self._span(gram)
        places: list[int] = self._places[first : first + min(count, FOLLOWED)].tolist()
        return [place for place in places if self._words[place : place + GRAM].tolist() == gram]

    def _extended(self, numbers: list[int], start: int, place: int) -> Stretch:
        """The longest run around a phrase that both have."""
        words, before, after = self._words, 0, GRAM
        while start > before and numbers[start - before - 1] == words[place - before - 1]:
            before += 1
        end = len(numbers) - start
        while after < end and numbers[start + after] == words[place + after]:
            after += 1
        text = _text_of(self._starts, place)
        return Stretch(start - before, start + after, text, place - before)


def _hash(gram: list[int]) -> int:
    value = 0
    for number in gram:
        value = value * _PRIME + number
    return value & _MASK


def _text_of(starts: array[int], place: int) -> int:
    from bisect import bisect_right

    return bisect_right(starts, place) - 1


def _grams(numbers: array[int]) -> tuple[Any, Any]:
    """Hashes of all phrases within one text, ascending, and where each stands."""
    import numpy as np

    found = np.frombuffer(numbers, dtype=np.uint32)
    count = max(0, len(found) - GRAM + 1)
    hashes = np.zeros(count, dtype=np.uint64)
    whole = np.ones(count, dtype=bool)
    with np.errstate(over="ignore"):
        for step in range(GRAM):
            part = found[step : step + count]
            hashes = hashes * np.uint64(_PRIME) + part
            whole &= part != _GAP
    places = np.flatnonzero(whole).astype(np.uint32)
    hashes = hashes[places]
    order = np.argsort(hashes, kind="stable")
    return hashes[order], places[order]


def _slots(hashes: Any, bits: int) -> bytes:
    import numpy as np

    table = np.zeros(1 << bits, dtype=np.uint8)
    table[(hashes >> np.uint64(64 - bits)).astype(np.int64)] = 1
    return table.tobytes()
