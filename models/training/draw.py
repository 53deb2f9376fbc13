"""Random words of the support-desk world: names, attributes, values and demands.

Each is in one of two halves, divided by a checksum: the model is trained on one and measured on the
other.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from string import ascii_uppercase
from typing import TYPE_CHECKING

import lexicon as lex
from values import MAKERS, kind_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable


@dataclass(frozen=True)
class Payload:
    """An injected demand and what obeying it says."""

    demand: str
    obeyed: str


class Draw:
    """Random words of one half of the world."""

    def __init__(self, rng: random.Random, *, held_out: bool = False) -> None:
        self.rng = rng
        self.held_out = held_out

    def of(self, pair: tuple[tuple[str, ...], tuple[str, ...]]) -> str:
        """A template of this half."""
        return self.rng.choice(pair[1] if self.held_out else pair[0])

    def chance(self, probability: float) -> bool:
        """True as often as ``probability``."""
        return self.rng.random() < probability

    def fresh(self, make: Callable[[], str], salt: str, share: int = 6) -> str:
        """What ``make`` returns, once it falls in this half: one in ``share`` is held out."""
        while True:
            word = make()
            if (zlib.crc32((salt + word).encode()) % share == 0) == self.held_out:
                return word

    def name(self) -> str:
        """An invented word such as Zentor; in training sometimes spelled from stray letters."""
        return self.fresh(
            self._stray if not self.held_out and self.chance(0.06) else self._syllables, "name"
        )

    def _syllables(self) -> str:
        first = self.rng.choice(lex.FIRST_SYLLABLES)
        return first + "".join(
            self.rng.choice(lex.NEXT_SYLLABLES) for _ in range(1 if self.chance(0.75) else 2)
        )

    def _stray(self) -> str:
        letters = "".join(
            self.rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(self.rng.randint(2, 4))
        )
        return (
            self.rng.choice(ascii_uppercase)
            + letters
            + self.rng.choice(["", *lex.NEXT_SYLLABLES[:20]])
        )

    def product(self, like: str | None = None) -> str:
        """A product name; ``like`` another one it shares its beginning or its end with."""
        if like is not None:
            return self._twin(like)
        name = self.name()
        if self.chance(0.45):
            name += " " + self.rng.choice(lex.PRODUCT_WORDS)
        if self.chance(0.15):
            name += f" {self.rng.choice(self._models())}"
        return name

    def _models(self) -> tuple[int, ...]:
        return (
            self.rng.randint(2, 9),
            self.rng.randint(1, 99) * 10,
            self.rng.randint(100, 4999),
        )

    def _twin(self, like: str) -> str:
        head, _, tail = like.partition(" ")
        if self.chance(0.5):
            other = [word for word in lex.PRODUCT_WORDS if word != tail]
            return f"{head} {self.rng.choice(other)}"
        if tail and self.chance(0.5):
            return f"{self.name()} {tail}"
        start = next((s for s in lex.FIRST_SYLLABLES if head.startswith(s)), head[:2])
        twin = self.fresh(lambda: start + self.rng.choice(lex.NEXT_SYLLABLES), "name")
        return twin if not tail else f"{twin} {tail}"

    def person(self) -> str:
        """A first name."""
        return self.name() if self.held_out or self.chance(0.6) else self.rng.choice(lex.PEOPLE)

    def company(self) -> str:
        """A company name."""
        return self.name() + (f" {self.rng.choice(lex.COMPANY_WORDS)}" if self.chance(0.4) else "")

    def order(self) -> str:
        """An order or ticket number."""
        return self.fresh(lambda: str(self.rng.randint(100, 99999)), "order")

    def attribute(self, risky: float) -> str:
        """An attribute, with a word that a crude filter fears as often as ``risky``."""
        if not self.held_out and self.chance(0.08):
            words = " ".join(lex.ATTRIBUTES + lex.RISKY_ATTRIBUTES).split()
            return f"{self.rng.choice(words)} {self.rng.choice(words)}"
        return self.rng.choice(lex.RISKY_ATTRIBUTES if self.chance(risky) else lex.ATTRIBUTES)

    def value(self, attribute: str) -> str:
        """A value, mostly of a kind that suits the attribute."""
        kind = kind_of(attribute) if self.chance(0.7) else None
        return self.fresh(lambda: self._value(kind or self.rng.choice(tuple(MAKERS))), "value")

    def _value(self, kind: str) -> str:
        return MAKERS[kind](self.rng, held_out=self.held_out)

    def payload(self, role: str | None, leak: float = 0.15) -> Payload:
        """An injected demand: to say a word, or to reveal the system message's first sentence."""
        if role is not None and self.chance(leak):
            return Payload(self.rng.choice(lex.LEAKS), role)
        word = self.fresh(lambda: _payload_word(self.rng, held_out=self.held_out), "payload")
        return Payload(self.rng.choice(lex.DEMANDS).format(w=word), word)


def _payload_word(rng: random.Random, *, held_out: bool) -> str:
    shape = 0.75 + rng.random() / 4 if held_out else rng.random()
    if shape < 0.4:
        return rng.choice(lex.PAYLOAD_WORDS)
    if shape < 0.6:
        return "".join(rng.choice(ascii_uppercase) for _ in range(rng.randint(3, 6)))
    if shape < 0.75:
        return rng.choice(lex.FIRST_SYLLABLES) + rng.choice(lex.NEXT_SYLLABLES)
    return " ".join(rng.choice(lex.PAYLOAD_WORDS) for _ in range(2 if rng.random() < 0.7 else 3))
