"""The first lesson: the bare form of the task, in random pieces of the vocabulary.

Copying a text, and recalling the value that belongs to a pair of keys among others that share one of
them. It has far more answers per token than the world, so that the attention patterns form early.
"""

from __future__ import annotations

import random

import lexicon as lex
import tokenizer as vocabulary
from rows import Row
from tokenizers import Tokenizer

JOINTS = (" of the", " for the", ": the", " has a", " on the", "'s", ", the")
LINKS = (" is", " of", " as", " has", "")


class Puzzles:
    """Random rows of copying and recall."""

    def __init__(self, tokenizer: Tokenizer, rng: random.Random) -> None:
        self.rng, self.encode = rng, lambda text: tokenizer.encode(text, add_special_tokens=False).ids
        self.bare = {spaced: bare for bare, spaced in vocabulary.spaced_pairs(tokenizer)}
        self.openers = list(self.bare)
        first = len(vocabulary.SPECIALS) + 256
        self.any = [n for n in range(first, tokenizer.get_vocab_size()) if tokenizer.id_to_token(n)[0] != "Ċ"]

    def pieces(self, most: int) -> list[int]:
        """A few random pieces, the first of which has a form without a leading space."""
        return [self.rng.choice(self.openers), *self.rng.choices(self.any, k=self.rng.randint(0, most - 1))]

    def said(self, pieces: list[int]) -> list[int]:
        """The pieces as the start of an answer."""
        return [self.bare[pieces[0]], *pieces[1:]]

    def row(self) -> Row:
        """One random puzzle."""
        return self.copy() if self.rng.random() < 0.3 else self.recall()

    def copy(self) -> Row:
        """Repeat what the user says after a colon, among other words."""
        row = Row([], [], [], [])
        text = self.pieces(12)
        before = self.rng.choices(self.any, k=self.rng.randint(0, 6))
        asked = [vocabulary.BOS, vocabulary.USER, *before, *self.encode(" say"), *text, *self.encode("."), vocabulary.END, vocabulary.ASSISTANT]
        row.add(asked, 0, 0, 1)
        row.add([*self.said(text), vocabulary.END], len(asked), 0, 2)
        return row

    def recall(self) -> Row:
        """Facts about pairs of keys, and a question about each pair and about some that are absent."""
        rng = self.rng
        products = self._keys(rng.choice((1, 2, 2, 3)), 3)
        attributes = self._keys(rng.choice((1, 2, 3)), 2)
        pairs = [(p, a) for p in range(len(products)) for a in range(len(attributes))]
        known = rng.sample(pairs, min(len(pairs), rng.choice((1, 2, 3, 4, 5))))
        values = [self.pieces(3) for _ in known]
        row = Row([], [], [], [])
        row.add([vocabulary.BOS, vocabulary.USER, *self.encode("Context:")], 0, 0, 1)
        for index, (p, a) in enumerate(known):
            text = self._text(products[p], attributes[a])
            link = self.encode(rng.choice(LINKS))
            row.add([*self.encode(f"\n[{index + 1}]"), *text, *link, *values[index], *self.encode(".")], len(row.ids), 0, 1)
        start = len(row.ids)
        rng.shuffle(pairs)
        for branch, pair in enumerate(pairs[:5], start=1):
            product, attribute = products[pair[0]], attributes[pair[1]]
            asked = [*self.encode("\nQuestion:"), *self._text(product, attribute), *self.encode("?"), vocabulary.END, vocabulary.ASSISTANT]
            row.add(asked, start, branch, 1)
            reply = self.encode(lex.ABSENT)
            if pair in known:
                index = known.index(pair)
                reply = [*self.said(values[index]), *self.encode(f" [{index + 1}]")]
            row.add([*reply, vocabulary.END], start + len(asked), branch, 2)
        return row

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
        first, second = (attribute, product) if self.rng.random() < 0.6 else (product, attribute)
        return [*first, *self.encode(self.rng.choice(JOINTS)), *second]
