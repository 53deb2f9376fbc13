"""The first lesson: the bare form of the task, in random pieces of the vocabulary.

Copying a text, and recalling the value that belongs to a pair of keys among others that share one
of them. It has far more answers per token than the world, so that attention patterns form early.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lexicon as lex
import tokenizer as vocabulary
from rows import Row

if TYPE_CHECKING:
    import random

    from tokenizers import Tokenizer

JOINTS = (" of the", " for the", ": the", " has a", " on the", "'s", ", the")
LINKS = (" is", " of", " as", " has", "")
ASK = [vocabulary.END, vocabulary.ASSISTANT]
PLAIN = 0.7  # share of answers that are repeated as they are; the others are quoted, as in JSON


class Puzzles:
    """Random rows of copying and recall."""

    def __init__(self, tokenizer: Tokenizer, rng: random.Random) -> None:
        self.rng, self.tokenizer = rng, tokenizer
        self.bare = {spaced: bare for bare, spaced in vocabulary.spaced_pairs(tokenizer)}
        self.openers = list(self.bare)
        words = range(len(vocabulary.SPECIALS) + 256, tokenizer.get_vocab_size())
        self.any = [n for n in words if tokenizer.id_to_token(n)[0] != "Ċ"]

    def encode(self, text: str) -> list[int]:
        """Token ids of plain text."""
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def pieces(self, most: int) -> list[int]:
        """A few random pieces, the first of which has a form without a leading space."""
        first = self.rng.choice(self.openers)
        return [first, *self.rng.choices(self.any, k=self.rng.randint(0, most - 1))]

    def said(self, pieces: list[int]) -> list[int]:
        """The pieces as the start of an answer."""
        if self.rng.random() < PLAIN:
            return pieces
        return [*self.encode(' "'), self.bare[pieces[0]], *pieces[1:], *self.encode('"')]

    def row(self) -> Row:
        """One random puzzle."""
        return self.copy() if self.rng.random() < 0.3 else self.recall()

    def copy(self) -> Row:
        """Repeat what the user says, among other words."""
        row = Row()
        text = self.pieces(12)
        before = self.rng.choices(self.any, k=self.rng.randint(0, 6))
        asked = [*before, *self.encode(" say"), *text, *self.encode("."), *ASK]
        row.add([vocabulary.BOS, vocabulary.USER, *asked], 0, 0)
        row.add([*self.said(text), vocabulary.END], len(row.ids), 0, answer=True)
        return row

    def recall(self) -> Row:
        """Facts about pairs of keys, and a question about each pair and about absent ones."""
        rng = self.rng
        products = self._keys(rng.choice((1, 2, 2, 3)), 3)
        attributes = self._keys(rng.choice((1, 2, 3)), 2)
        pairs = [(product, attribute) for product in products for attribute in attributes]
        known = rng.sample(pairs, min(len(pairs), rng.choice((1, 2, 3, 4, 5))))
        values = [self.pieces(3) for _ in known]
        row = Row()
        row.add([vocabulary.BOS, vocabulary.USER, *self.encode("Context:")], 0, 0)
        for number, (pair, value) in enumerate(zip(known, values, strict=True), start=1):
            row.add(self._fact(number, pair, value), len(row.ids), 0)
        start = len(row.ids)
        rng.shuffle(pairs)
        for branch, pair in enumerate(pairs[:5], start=1):
            question = [*self.encode("\nQuestion:"), *self._text(*pair), *self.encode("?"), *ASK]
            row.add(question, start, branch)
            reply = self.encode(" " + lex.ABSENT)
            if pair in known:
                index = known.index(pair)
                reply = [*self.said(values[index]), *self.encode(f" [{index + 1}]")]
            row.add([*reply, vocabulary.END], start + len(question), branch, answer=True)
        return row

    def _fact(self, number: int, pair: tuple[list[int], list[int]], value: list[int]) -> list[int]:
        text, link = self._text(*pair), self.encode(self.rng.choice(LINKS))
        return [*self.encode(f"\n[{number}]"), *text, *link, *value, *self.encode(".")]

    def _keys(self, count: int, most: int) -> list[list[int]]:
        keys = [self.pieces(most)]
        while len(keys) < count:
            key = self.pieces(most)
            if self.rng.random() < 0.3 and most > 1:
                key = [keys[0][0], self.rng.choice(self.any)]
            if key not in keys:
                keys.append(key)
        return keys

    def _text(self, product: list[int], attribute: list[int]) -> list[int]:
        order = (attribute, product) if self.rng.random() < 0.6 else (product, attribute)
        first, second = order
        return [*first, *self.encode(self.rng.choice(JOINTS)), *second]
