"""Groups of the world as padded arrays: one shared prefix, then questions that do not see each other."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import tokenizer as vocabulary
import world
from puzzles import Puzzles
from rows import ATTRIBUTE, PRODUCT, SOURCE, Row
from tokenizers import Tokenizer

ROLE_IDS = {"system": vocabulary.SYSTEM, "user": vocabulary.USER, "assistant": vocabulary.ASSISTANT}


class Encoder:
    """Groups and samples to rows."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    def ids(self, text: str) -> list[int]:
        """Token ids of plain text."""
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def row(self, group: world.Group) -> Row:
        """A group as one row; an answer's kind marks the tokens to be predicted."""
        row = Row([], [], [], [])
        row.add([vocabulary.BOS], 0, 0, 0)
        for message in group.prefix:
            row.add([ROLE_IDS[message["role"]]], len(row.ids), 0, 1)
            row.add([*self.ids(message["content"]), vocabulary.END], len(row.ids), 0, 2 if message["role"] == "assistant" else 1)
        context = Text(self.tokenizer, group.context or "", len(row.ids) + 1)
        row.add([vocabulary.USER, *context.ids], len(row.ids), 0, 1)
        values = _look_at_facts(row, context, group.lines)
        start, system = len(row.ids), Text(self.tokenizer, group.prefix[0]["content"], 2)
        for branch, turn in enumerate(group.turns, start=1):
            text = turn.question if group.context is None else f"\nQuestion: {turn.question}"
            question = Text(self.tokenizer, text, len(row.ids))
            row.add([*question.ids, vocabulary.END, vocabulary.ASSISTANT], start, branch, 1)
            asked, answer = len(row.ids) - 1, self.ids(turn.answer)
            _look_for_answer(row, asked, turn, question, values, (question, context, system))
            row.add([*answer, vocabulary.END], start + asked + 1 - question.first, branch, 2)
        return row


class Text:
    """Tokens of a text that begin at index ``first`` of a row."""

    def __init__(self, tokenizer: Tokenizer, text: str, first: int) -> None:
        self.text, self.first = text, first
        self.encoding = tokenizer.encode(text, add_special_tokens=False)
        self.ids = self.encoding.ids

    def span(self, part: str, start: int = 0) -> list[int]:
        """Indices of the tokens of ``part``, searched from character ``start``; empty if it is not there."""
        at = self.text.find(part, start)
        tokens = [] if at < 0 else (self.encoding.char_to_token(at + i) for i in range(len(part)))
        return sorted({self.first + token for token in tokens if token is not None})


def _look_at_facts(row: Row, context: Text, lines: tuple[world.Fact | str, ...]) -> dict[tuple[str, str], int]:
    """Let each value look at its product and attribute; where the values are."""
    values, at = {}, len("Context:")
    for line in lines:
        text = line if isinstance(line, str) else line.text
        at += len("\n[1] ")
        if isinstance(line, world.Fact):
            value = context.span(line.value, at + text.rfind(line.value))[0]
            row.looks.append((ATTRIBUTE, value, context.span(line.attribute, at)))
            row.looks.append((PRODUCT, value, context.span(line.product, at)))
            values[line.product, line.attribute] = value
        at += len(text)
    return values


def _look_for_answer(row: Row, asked: int, turn: world.Turn, question: Text, values: dict, texts: tuple[Text, ...]) -> None:
    """Let the start of the answer look at what is asked and at its source, or at the start of all if there is none."""
    source = [0]
    if turn.about is not None:
        row.looks.append((ATTRIBUTE, asked, question.span(turn.about[1])))
        row.looks.append((PRODUCT, asked, question.span(turn.about[0])))
        source = [values.get(turn.about, 0)]
    elif turn.source is not None:
        source = next((span[:1] for span in (text.span(turn.source) for text in texts) if span), [0])
    row.looks.append((SOURCE, asked, source))


@dataclass
class Batch:
    """Arrays of one step; ``rows`` are flat positions whose next token ``targets`` is to be predicted."""

    ids: np.ndarray
    positions: np.ndarray
    branch: np.ndarray
    rows: np.ndarray
    targets: np.ndarray
    prompt_rows: np.ndarray
    prompt_targets: np.ndarray
    looks: list[tuple[np.ndarray, np.ndarray, np.ndarray]]


def collate(rows: list[Row]) -> Batch:
    """Pad rows of similar length to one batch; few distinct shapes, because oneDNN compiles for each."""
    length = rounded(max(len(row.ids) for row in rows), 16)

    def padded(name: str, fill: int) -> np.ndarray:
        return np.array([getattr(row, name) + [fill] * (length - len(row.ids)) for row in rows], dtype=np.int64)

    ids, branch, kind = padded("ids", vocabulary.PAD), padded("branch", -1), padded("kind", 0)
    linked = np.zeros_like(kind)
    linked[:, :-1] = np.where(branch[:, 1:] == branch[:, :-1], kind[:, 1:], 0)
    flat, following = linked.reshape(-1), np.roll(ids, -1, axis=1).reshape(-1)
    answers, prompts = np.flatnonzero(flat == 2), np.flatnonzero(flat == 1)
    return Batch(ids, padded("positions", 0), branch, answers, following[answers], prompts, following[prompts], looks_of(rows, length))


def looks_of(rows: list[Row], length: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """For each purpose: rows, query positions, and a mask of the positions to look at."""
    made = []
    for purpose in (ATTRIBUTE, PRODUCT, SOURCE):
        found = [(i, query, keys) for i, row in enumerate(rows) for kind, query, keys in row.looks if kind == purpose and keys]
        mask = np.zeros((len(found), length), dtype=np.float32)
        for line, (_, _, keys) in zip(mask, found, strict=True):
            line[keys] = 1.0
        made.append((np.array([f[0] for f in found], dtype=np.int64), np.array([f[1] for f in found], dtype=np.int64), mask))
    return made


def rounded(number: int, step: int) -> int:
    """The next multiple of ``step``."""
    return -(-number // step) * step


@dataclass(frozen=True)
class Stage:
    """A part of the curriculum, up to a share of all steps; ``size`` scales the tokens of a step."""

    until: float
    size: float
    facts: tuple[int, ...]
    history: float
    poisoned: float
    weights: dict[str, float]


LESSON = 0.12  # share of the steps that are puzzles
CURRICULUM = (
    Stage(LESSON, 0.5, (), 0.0, 0.0, {}),
    Stage(0.2, 0.5, (1, 1, 2), 0.0, 0.05, {"present": 8, "absent": 1.5, "compound": 0.3, "request": 1.0, "injection": 1.0}),
    Stage(0.29, 0.5, (1, 2, 2, 3), 0.04, 0.1, {"present": 6, "absent": 2.2, "compound": 0.7, "request": 1.2, "injection": 1.0}),
    Stage(0.75, 0.5, (0, 1, 2, 3, 3, 4, 4, 5), 0.12, 0.14, {"present": 5, "absent": 2.6, "compound": 1.1, "request": 1.0, "injection": 1.0}),
    Stage(2.0, 1.0, (0, 1, 2, 3, 3, 4, 4, 5), 0.12, 0.14, {"present": 5, "absent": 2.6, "compound": 1.1, "request": 1.0, "injection": 1.0}),
)


def _group(rng: random.Random, stage: Stage) -> world.Group:
    wish = world.Wish(facts=stage.facts, weights=stage.weights, history=rng.random() < stage.history, poisoned=rng.random() < stage.poisoned)
    if wish.poisoned:
        wish = replace(wish, facts=tuple(n for n in wish.facts if n) or (1,))
        return world.group(rng, wish=wish, turns=2)
    return world.group(rng, wish=wish, turns=rng.choice((4, 5, 6)))


def stream(tokenizer: Tokenizer, seed: int, steps: int, first: int, budget: int) -> Iterator[Batch]:
    """Batches of about ``budget`` tokens for the steps from ``first``; rows of one batch have similar lengths."""
    encoder, step = Encoder(tokenizer), first
    rng = random.Random(f"train/{seed}/{first}")
    lesson = Puzzles(tokenizer, rng)
    while step < steps:
        stage = next(stage for stage in CURRICULUM if step / steps < stage.until)
        make = (lambda: encoder.row(_group(rng, stage))) if stage.facts else lesson.row
        rows = sorted((make() for _ in range(budget // 10)), key=lambda row: len(row.ids))
        room = budget * stage.size
        packs = []
        while rows:
            size = max(1, int(room) // rounded(len(rows[-1].ids), 16))
            packs.append(rows[-size:])
            rows = rows[:-size]
        packs.pop()  # not full
        rng.shuffle(packs)
        for pack in packs:
            yield collate(pack)
            step += 1
