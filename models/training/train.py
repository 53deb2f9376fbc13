"""Train the demonstration model.

    python models/training/train.py --run /tmp/support-desk --steps 9000

Writes ``last.pt`` into the run directory (atomically, every 500 steps) and a log line with held-out
accuracy per task. The same seed gives the same samples; sums differ in the last bits between machines.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import batches
import model as network
import numpy as np
import tokenizer as vocabulary
import torch
import world
from cores import Cores
from optimizer import Muon
from rows import ATTRIBUTE, PRODUCT, SOURCE
from torch.nn import functional as F


def produce(queue: multiprocessing.Queue, seed: int, steps: int, first: int, budget: int) -> None:
    """Fill the queue with batches, in a process of its own."""
    for batch in batches.stream(vocabulary.build(), seed, steps, first, budget):
        queue.put(batch)


def background(seed: int, steps: int, first: int, budget: int) -> Iterator[batches.Batch]:
    """Batches made ahead of time by another process."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue(maxsize=200)
    context.Process(target=produce, args=(queue, seed, steps, first, budget), daemon=True).start()
    while True:
        yield queue.get()


def mask_of(branch: torch.Tensor) -> torch.Tensor:
    """Additive mask: a token sees earlier tokens of the prefix and of its own branch."""
    length = branch.size(1)
    same = (branch[:, :, None] == branch[:, None, :]) | (branch[:, None, :] == 0)
    seen = same & torch.ones(length, length, dtype=torch.bool).tril()
    return torch.zeros(seen.shape).masked_fill_(~seen, -1e9).unsqueeze(1)


def logits_of(model: network.Llama, batch: batches.Batch, rows: np.ndarray) -> torch.Tensor:
    """Next-token logits at the flat positions ``rows``."""
    mask = mask_of(torch.from_numpy(batch.branch))
    mask = mask.bfloat16() if torch.is_autocast_enabled("cpu") else mask
    return model(torch.from_numpy(batch.ids), torch.from_numpy(batch.positions), mask, torch.from_numpy(rows)).float()


HEADS = {ATTRIBUTE: ((1, 0),), PRODUCT: ((1, 1),), SOURCE: ((3, 0), (3, 1), (2, 0))}  # purpose: (layer, head), ...


def look_loss(model: network.Llama, batch: batches.Batch) -> torch.Tensor:
    """How little attention goes where it should, in the heads that are chosen for it."""
    total = torch.zeros(())
    for purpose, (rows, queries, keys) in enumerate(batch.looks):
        for layer, head in HEADS[purpose] if len(rows) else ():
            weights = model.layers[layer].self_attn.weights[torch.from_numpy(rows), head, torch.from_numpy(queries)]
            total = total - torch.log((weights.float() * torch.from_numpy(keys)).sum(-1) + 1e-4).mean()
    return total


def loss_of(model: network.Llama, batch: batches.Batch, prompt_weight: float, look_weight: float) -> tuple[torch.Tensor, float, float]:
    """Cross entropy of the answers plus a share of that of the prompts; also that of the answers alone."""
    count = len(batch.rows)
    rows = np.concatenate((batch.rows, batch.prompt_rows)) if prompt_weight else batch.rows
    logits = logits_of(model, batch, np.pad(rows, (0, -len(rows) % 512)))[: len(rows)]
    loss = F.cross_entropy(logits[:count], torch.from_numpy(batch.targets))
    answers = loss.item()
    if prompt_weight:
        loss = loss + prompt_weight * F.cross_entropy(logits[count:], torch.from_numpy(batch.prompt_targets))
    if not look_weight:
        return loss, answers, 0.0
    look = look_loss(model, batch)
    return loss + look_weight * look, answers, look.item()


class Judge:
    """Held-out accuracy while training: an answer is right if every token of it is the most likely one."""

    def __init__(self, encoder: batches.Encoder, each: int, seed: int) -> None:
        self.encoder, self.data = encoder, []
        for task in world.TASKS:
            samples = world.held_out(task, each, seed)
            rows = [encoder.row(self._group(sample)) for sample in samples]
            order = sorted(range(each), key=lambda i: len(rows[i].ids))
            for part in (order[: each // 2], order[each // 2 :]):
                self.data.append((task, [samples[i] for i in part], batches.collate([rows[i] for i in part])))

    @staticmethod
    def _group(sample: world.Sample) -> world.Group:
        turn = world.Turn(sample.messages[-1]["content"], sample.expected, sample.task)
        return world.Group(sample.messages[:-1], None, (turn,))

    @torch.no_grad()
    def __call__(self, model: network.Llama) -> tuple[dict[str, float], list[tuple[world.Sample, str]]]:
        """Accuracy per task, and the samples that were answered wrongly with what was said."""
        right, total, wrong = {}, {}, []
        for task, samples, batch in self.data:
            best = logits_of(model, batch, batch.rows).argmax(-1).numpy()
            owner = batch.rows // batch.ids.shape[1]
            start = {row: batch.positions.shape[1] for row in range(len(samples))}
            last = self._last_answer(batch, owner, start)
            for i, sample in enumerate(samples):
                chosen = (owner == i) & last
                good = bool((best[chosen] == batch.targets[chosen]).all())
                right[task] = right.get(task, 0) + good
                total[task] = total.get(task, 0) + 1
                if not good:
                    wrong.append((sample, self.encoder.tokenizer.decode(best[chosen].tolist(), skip_special_tokens=False)))
        return {task: right[task] / total[task] for task in total}, wrong

    @staticmethod
    def _last_answer(batch: batches.Batch, owner: np.ndarray, start: dict[int, int]) -> np.ndarray:
        return batch.branch.reshape(-1)[batch.rows] == 1


def shape_of_rate(step: int, steps: int, first: int) -> float:
    """Warm up, hold, then fall linearly to zero over the second half."""
    return min(1.0, (step - first + 1) / 100, 2.0 * (steps - step) / steps)


def seed_embeddings(model: network.Llama, pairs: list[tuple[int, int]]) -> None:
    """Let a piece with a leading space start as the piece without it plus one common direction."""
    with torch.no_grad():
        space = torch.randn(model.shape.hidden)
        weight = model.embed_tokens.weight
        for bare, spaced in pairs:
            weight[spaced] = 0.8 * weight[bare] + 0.6 * space + torch.randn(model.shape.hidden) * 0.2


def save(path: Path, state: dict[str, object]) -> None:
    """Write a checkpoint so that a kill leaves the old one or the new one."""
    torch.save(state, path.with_suffix(".tmp"))
    os.replace(path.with_suffix(".tmp"), path)


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--budget", type=int, default=8192, help="tokens per step")
    parser.add_argument("--layers", type=int, default=5)
    parser.add_argument("--inner", type=int, default=256)
    parser.add_argument("--muon", type=float, default=0.02)
    parser.add_argument("--adam", type=float, default=0.015)
    parser.add_argument("--prompt", type=float, default=0.2, help="weight of the prompt loss, in the first 40 % of the steps".replace("%", "%%"))
    parser.add_argument("--look", type=float, default=0.3, help="weight of the attention loss")
    parser.add_argument("--start", type=Path, help="weights to start from")
    parser.add_argument("--first", type=int, default=0, help="step to start from, with --start")
    parser.add_argument("--minutes", type=float, help="fit the fall of the rate to this time instead of to the steps")
    parser.add_argument("--every", type=int, default=500)
    return parser.parse_args()


def main() -> None:
    """Train to the end."""
    chosen = options()
    chosen.run.mkdir(parents=True, exist_ok=True)
    cores = Cores()
    torch.manual_seed(chosen.seed)
    tokens = vocabulary.build()
    model = network.Llama(network.Shape(vocab=tokens.get_vocab_size(), layers=chosen.layers, inner=chosen.inner))
    seed_embeddings(model, vocabulary.spaced_pairs(tokens))
    if chosen.start:
        model.load_state_dict(torch.load(chosen.start)["weights"])
    print(json.dumps({"parameters": sum(p.numel() for p in model.parameters())}), flush=True)
    judge = Judge(batches.Encoder(tokens), 40, 1000)
    inner = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    outer = [p for name, p in model.named_parameters() if p.ndim < 2 or "embed" in name]
    parts = [{"params": outer[:1], "peak": chosen.adam}, {"params": outer[1:], "peak": chosen.adam / 10}]
    muon, adam = Muon(inner, chosen.muon), torch.optim.AdamW(parts, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    source = background(chosen.seed, chosen.steps, chosen.first, chosen.budget)
    began, losses = time.time(), []
    for step in range(chosen.first, chosen.steps):
        cores.adapt()
        batch, scale = next(source), shape_of_rate(step, chosen.steps, chosen.first)
        if chosen.minutes:
            scale = min(1.0, (step - chosen.first + 1) / 50, 2.0 - (time.time() - began) / chosen.minutes / 30)
            if scale <= 0:
                break
        with torch.autocast("cpu", torch.bfloat16, enabled=scale > 0.2):
            loss, *shown = loss_of(model, batch, chosen.prompt if batches.LESSON < step / chosen.steps < 0.4 else 0.0, chosen.look)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(outer, 1.0)
        for part in adam.param_groups:
            part["lr"] = part["peak"] * scale
        adam.step()
        adam.zero_grad()
        muon.step(scale)
        losses.append(shown)
        if (step + 1) % 50 == 0:
            print(json.dumps({"step": step + 1, "loss": [round(sum(part) / len(part), 4) for part in zip(*losses)], "s": round(time.time() - began), "threads": cores.threads}), flush=True)
            losses = []
        if (step + 1) % chosen.every == 0 or step + 1 == chosen.steps:
            report(chosen, model, judge, step + 1)
    report(chosen, model, judge, step + 1)


def report(chosen: argparse.Namespace, model: network.Llama, judge: Judge, step: int) -> None:
    """Save, and print the held-out accuracy and some wrong answers."""
    state = {"weights": model.state_dict(), "shape": model.shape.asdict(), "step": step, "seed": chosen.seed}
    save(chosen.run / "last.pt", state)
    accuracy, wrong = judge(model)
    total = sum(accuracy.values()) / len(accuracy)
    print(json.dumps({"step": step, "accuracy": round(total, 4), **{k: round(v, 3) for k, v in accuracy.items()}}), flush=True)
    with (chosen.run / f"wrong-{step}.txt").open("w") as file:
        for sample, said in wrong:
            told = "\n".join(f"<{m['role']}> {m['content']}" for m in sample.messages)
            file.write(f"== {sample.task}\n{told}\nexpected: {sample.expected}\nsaid:     {said}\n")


if __name__ == "__main__":
    random.seed(0)
    main()
