"""Values of facts, of several kinds; held-out ones are of the longer forms.

Every maker takes ``held_out``, so that :data:`MAKERS` can be called without looking at the kind.
"""

from __future__ import annotations

from string import ascii_uppercase
from typing import TYPE_CHECKING, Protocol

import lexicon as lex

if TYPE_CHECKING:
    import random


class Maker(Protocol):
    """Makes a random value of one kind."""

    def __call__(self, rng: random.Random, *, held_out: bool) -> str:
        """A value of the training half or of the other."""
        ...


def _number(rng: random.Random) -> str:
    return str(
        rng.choice(
            (rng.randint(2, 9), rng.randint(10, 99), rng.randint(10, 99), rng.randint(100, 9999))
        )
    )


def _amount(rng: random.Random, *, held_out: bool) -> str:  # noqa: ARG001
    number = _number(rng) if rng.random() < 0.85 else f"{rng.randint(0, 99)}.{rng.randint(1, 9)}"
    return f"{number} {rng.choice(lex.UNITS)}"


def _duration(rng: random.Random, *, held_out: bool) -> str:  # noqa: ARG001
    return f"{_number(rng)} {rng.choice(lex.DURATIONS)}"


def _code(rng: random.Random, *, held_out: bool) -> str:  # noqa: ARG001
    letters = "".join(rng.choice(ascii_uppercase) for _ in range(rng.randint(1, 2)))
    return f"{letters}{rng.choice('-- ').strip()}{rng.randint(2, 999)}"


def _date(rng: random.Random, *, held_out: bool) -> str:
    year = f" {rng.randint(2020, 2035)}" if held_out or rng.random() < 0.5 else ""
    return f"{rng.randint(1, 28)} {rng.choice(lex.MONTHS)}{year}"


def _colour(rng: random.Random, *, held_out: bool) -> str:
    shade = f"{rng.choice(lex.SHADES)} " if held_out or rng.random() < 0.6 else ""
    return shade + rng.choice(lex.COLOURS)


def _material(rng: random.Random, *, held_out: bool) -> str:
    finish = f"{rng.choice(lex.FINISHES)} " if held_out or rng.random() < 0.6 else ""
    return finish + rng.choice(lex.MATERIALS)


def _word(rng: random.Random, *, held_out: bool) -> str:
    second = f" {rng.choice(lex.WORDS)}" if held_out or rng.random() < 0.4 else ""
    return rng.choice(lex.WORDS) + second


def _plain(rng: random.Random, *, held_out: bool) -> str:  # noqa: ARG001
    return _number(rng)


MAKERS: dict[str, Maker] = {
    "duration": _duration, "amount": _amount, "code": _code, "date": _date, "colour": _colour,
    "material": _material, "word": _word, "number": _plain,
}  # fmt: skip
KIND_WORDS = {
    "duration": "warranty life time window interval term period delay age length lifetime",
    "code": "code key version number port set type list valve switch",
    "number": "count score depth limit angle",
    "date": "date",
    "colour": "colour",
    "material": "material",
    "word": "language level cycle",
}


def kind_of(attribute: str) -> str:
    """The kind of value that suits an attribute, by its last word."""
    last = attribute.rsplit(maxsplit=1)[-1]
    return next((kind for kind, words in KIND_WORDS.items() if last in words.split()), "amount")
