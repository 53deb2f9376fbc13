"""Rows as padded arrays, made ahead of time by a process of its own."""

from __future__ import annotations

import multiprocessing
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import tokenizer as vocabulary
from curriculum import stage_at
from encoder import Encoder
from puzzles import Puzzles
from rows import Purpose, Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenizers import Tokenizer

Looks = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass
class Batch:
    """Arrays of one step; ``rows`` are flat positions whose next token is one of ``targets``.

    ``looks`` has, for each purpose, rows, query positions and the attention that is wanted there.
    """

    ids: np.ndarray
    positions: np.ndarray
    branch: np.ndarray
    rows: np.ndarray
    targets: np.ndarray
    looks: dict[Purpose, Looks]


def collate(rows: list[Row]) -> Batch:
    """Pad rows of similar length to one batch.

    Lengths are rounded, for few distinct shapes: oneDNN compiles for each.
    """
    length = _rounded(max(len(row.ids) for row in rows))

    def padded(name: str, fill: int) -> np.ndarray:
        lines = [getattr(row, name) for row in rows]
        return np.array([line + [fill] * (length - len(line)) for line in lines], dtype=np.int64)

    ids, branch, answer = padded("ids", vocabulary.PAD), padded("branch", -1), padded("answer", 0)
    linked = np.zeros_like(answer)
    linked[:, :-1] = np.where(branch[:, 1:] == branch[:, :-1], answer[:, 1:], 0)
    before = np.flatnonzero(linked)
    targets = np.roll(ids, -1, axis=1).reshape(-1)[before]
    looks = {purpose: _looks(rows, purpose, length) for purpose in Purpose}
    return Batch(ids, padded("positions", 0), branch, before, targets, looks)


def _looks(rows: list[Row], purpose: Purpose, length: int) -> Looks:
    found = [(i, look) for i, row in enumerate(rows) for look in row.looks]
    found = [(i, look) for i, look in found if look.purpose == purpose]
    wanted = np.zeros((len(found), length), dtype=np.float32)
    for line, (_, look) in zip(wanted, found, strict=True):
        line[look.to] = 1.0 / len(look.to)
    owners = np.array([i for i, _ in found], dtype=np.int64)
    return owners, np.array([look.at for _, look in found], dtype=np.int64), wanted


def _rounded(number: int, step: int = 16) -> int:
    """The next multiple of ``step``."""
    return -(-number // step) * step


def stream(tokenizer: Tokenizer, seed: int, steps: int, budget: int) -> Iterator[Batch]:
    """Batches for all steps, of about ``budget`` tokens times the size of the stage."""
    encoder, step = Encoder(tokenizer), 0
    rng = random.Random(f"train/{seed}/0")
    puzzles = Puzzles(tokenizer, rng)
    while step < steps:
        stage = stage_at(step / steps)
        count = range(budget // 10)
        if stage.weights:
            rows = [encoder.row(stage.group(rng)) for _ in count]
        else:
            rows = [puzzles.row() for _ in count]
        packs = _packs(rows, int(budget * stage.size))
        rng.shuffle(packs)
        for pack in packs:
            yield collate(pack)
            step += 1


def _packs(rows: list[Row], room: int) -> list[list[Row]]:
    """Rows of similar lengths together; the last pack, which is not full, is left out."""
    rows = sorted(rows, key=lambda row: len(row.ids))
    packs = []
    while rows:
        size = max(1, room // _rounded(len(rows[-1].ids)))
        packs.append(rows[-size:])
        rows = rows[:-size]
    return packs[:-1]


def _produce(queue: multiprocessing.Queue[Batch], seed: int, steps: int, budget: int) -> None:
    for batch in stream(vocabulary.build(), seed, steps, budget):
        queue.put(batch)


def ahead(seed: int, steps: int, budget: int) -> Iterator[Batch]:
    """The stream, made ahead of time by another process."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue(maxsize=200)
    context.Process(target=_produce, args=(queue, seed, steps, budget), daemon=True).start()
    while True:
        yield queue.get()
