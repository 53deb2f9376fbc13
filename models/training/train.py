"""Train the demonstration model.

    python models/training/train.py

Writes ``last.pt`` and the wrong answers into the run directory every so many steps, and prints
log lines with the losses and the held-out accuracy of each task. Without options it is the recipe
of the shipped model. The same seed gives the same batches; the learning rate follows the clock.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

import batches
import tokenizer as vocabulary
import torch
from encoder import Encoder
from judge import Judge, Mistake
from losses import answer_loss, look_losses
from optimizer import Muon

import model as network

RUN = Path(__file__).resolve().parent / "run"
CHECKPOINT = "last.pt"
WARM_UP = 50  # steps
LOG = 50  # steps
EXACT = 0.2  # below this share of the peak rate, all arithmetic is in float32
EACH, JUDGE_SEED = 40, 1000  # held-out samples of each task


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=RUN, help="directory to write to")
    parser.add_argument("--steps", type=int, default=6500, help="length of the curriculum")
    parser.add_argument("--minutes", type=float, default=26, help="the rate falls to zero by then")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--budget", type=int, default=8192, help="tokens of a full step")
    parser.add_argument("--muon", type=float, default=0.02, help="peak rate of the matrices")
    parser.add_argument("--adam", type=float, default=0.015, help="peak rate of the embeddings")
    parser.add_argument("--look", type=float, default=0.3, help="weight of the attention loss")
    parser.add_argument("--every", type=int, default=250, help="steps between two reports")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def rate_at(step: int, progress: float) -> float:
    """Share of the peak rate: warm up, hold, then fall to zero over the second half."""
    return min(1.0, (step + 1) / WARM_UP, 2.0 * (1.0 - progress))


class Run:
    """A model in training."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self.chosen = chosen
        torch.manual_seed(chosen.seed)
        tokens = vocabulary.build()
        self.model = network.Llama(network.Shape(vocab=tokens.get_vocab_size()))
        self.model.pair_embeddings(vocabulary.spaced_pairs(tokens))
        self.judge = Judge(Encoder(tokens), EACH, JUDGE_SEED)
        named = list(self.model.named_parameters())
        matrices = [p for name, p in named if p.ndim == 2 and "embed" not in name]
        embeddings = [p for name, p in named if "embed" in name]
        norms = [p for _, p in named if p.ndim < 2]
        self.outer = [*embeddings, *norms]
        parts = [
            {"params": embeddings, "peak": chosen.adam},
            {"params": norms, "peak": chosen.adam / 10},
        ]
        self.muon = Muon(matrices, chosen.muon)
        self.adam = torch.optim.AdamW(parts, betas=(0.9, 0.95), weight_decay=0.0, fused=True)

    def step(self, batch: batches.Batch, scale: float) -> torch.Tensor:
        """One update; the loss of the answers and those of the looks."""
        with torch.autocast("cpu", torch.bfloat16, enabled=scale > EXACT):
            loss = answer_loss(self.model, batch)
            looks = look_losses(self.model, batch)
        (loss + self.chosen.look * looks.sum()).backward()
        torch.nn.utils.clip_grad_norm_(self.outer, 1.0)
        for part in self.adam.param_groups:
            part["lr"] = part["peak"] * scale
        self.adam.step()
        self.adam.zero_grad()
        self.muon.step(scale)
        return torch.cat((loss.detach().view(1), looks.detach()))

    def train(self) -> None:
        """Train until the steps or the minutes are over."""
        chosen, began, losses = self.chosen, time.monotonic(), []
        source = batches.ahead(chosen.seed, chosen.steps, chosen.budget)
        for step in range(chosen.steps):
            seconds = time.monotonic() - began
            scale = rate_at(step, max(seconds / 60 / chosen.minutes, step / chosen.steps))
            if scale <= 0:
                break
            losses.append(self.step(next(source), scale))
            if (step + 1) % LOG == 0:
                answers, *looks = torch.stack(losses[-LOG:]).mean(0).tolist()
                looks = [round(look, 4) for look in looks]
                say(step=step + 1, s=round(seconds), answers=round(answers, 4), looks=looks)
            if (step + 1) % chosen.every == 0:
                self.report(step + 1)
        self.report(len(losses))

    def report(self, step: int) -> None:
        """Save, and print the held-out accuracy; wrong answers go to a file."""
        state = {"weights": self.model.state_dict(), "shape": asdict(self.model.shape)}
        save(self.chosen.run / CHECKPOINT, {**state, "step": step, "seed": self.chosen.seed})
        accuracy, wrong = self.judge(self.model)
        mean = sum(accuracy.values()) / len(accuracy)
        rounded = {task: round(share, 3) for task, share in accuracy.items()}
        say(step=step, accuracy=round(mean, 4), **rounded)
        text = "".join(map(describe, wrong))
        (self.chosen.run / f"wrong-{step}.txt").write_text(text, encoding="utf-8")


def save(path: Path, state: dict[str, object]) -> None:
    """Write a checkpoint so that a kill leaves the old one or the new one."""
    new = path.with_suffix(".tmp")
    torch.save(state, new)
    new.replace(path)


def describe(mistake: Mistake) -> str:
    """A wrong answer for people."""
    task, sample, said = mistake
    told = "\n".join(f"<{m['role']}> {m['content']}" for m in sample.messages)
    return f"== {task}\n{told}\nexpected: {sample.expected}\nsaid:     {said}\n"


def say(**figures: object) -> None:
    """Print a line of the log."""
    print(json.dumps(figures), flush=True)


def main() -> None:
    """Train to the end."""
    chosen = options()
    torch.set_num_threads(chosen.threads)
    chosen.run.mkdir(parents=True, exist_ok=True)
    Run(chosen).train()


if __name__ == "__main__":
    main()
