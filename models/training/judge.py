"""Held-out accuracy while training, without generating."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import batches
import torch
import world
from losses import answer_logits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from encoder import Encoder

    import model as network


class Mistake(NamedTuple):
    """A sample of a task and the most likely tokens of its answer, given the expected ones."""

    task: str
    sample: world.Sample
    said: str


class Judge:
    """An answer is right if every token of it is the most likely one."""

    def __init__(self, encoder: Encoder, each: int, seed: int) -> None:
        self.encoder, self.each = encoder, each
        self.data = []
        for task in world.TASKS:
            samples = world.held_out(task, each, seed)
            made = [(encoder.row(self._group(sample)), sample) for sample in samples]
            made.sort(key=lambda item: len(item[0].ids))
            for part in (made[: each // 2], made[each // 2 :]):
                batch = batches.collate([row for row, _ in part])
                self.data.append((task, [sample for _, sample in part], batch))

    @staticmethod
    def _group(sample: world.Sample) -> world.Group:
        turn = world.Turn(sample.messages[-1]["content"], sample.expected, sample.task)
        return world.Group(sample.messages[:-1], None, (turn,))

    @torch.no_grad()
    def __call__(self, model: network.Llama) -> tuple[dict[str, float], list[Mistake]]:
        """Accuracy of each task, and the mistakes."""
        wrong = [
            Mistake(task, sample, said)
            for task, samples, batch in self.data
            for sample, said in self._wrong(model, samples, batch)
        ]
        missed = Counter(mistake.task for mistake in wrong)
        return {task: 1 - missed[task] / self.each for task in world.TASKS}, wrong

    def _wrong(
        self, model: network.Llama, samples: list[world.Sample], batch: batches.Batch
    ) -> Iterator[tuple[world.Sample, str]]:
        best = answer_logits(model, batch).argmax(-1).numpy()
        owner = batch.rows // batch.ids.shape[1]
        last = batch.branch.reshape(-1)[batch.rows] == 1  # not of an earlier exchange
        for i, sample in enumerate(samples):
            chosen = (owner == i) & last
            if (best[chosen] != batch.targets[chosen]).any():
                said = self.encoder.tokenizer.decode(best[chosen], skip_special_tokens=False)
                yield sample, said
