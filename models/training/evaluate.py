"""Held-out accuracy of the exported model, measured through CTranslate2.

    python models/training/evaluate.py --each 300 --write

Needs ``ctranslate2`` and ``tokenizers`` only. An answer is right if it is the expected text, character
for character. Confidence is the geometric mean of the probabilities of the answer's tokens.
"""

from __future__ import annotations

import argparse
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

import ctranslate2
import world
from tokenizers import Tokenizer

MODEL = Path(__file__).resolve().parents[1] / "support-desk"
SEED = 20261121
MARKS = ("<!-- accuracy:begin -->", "<!-- accuracy:end -->")


@dataclass(frozen=True)
class Answer:
    """What the model said and how sure it was, from 0 to 1."""

    text: str
    confidence: float


def render(messages: tuple[dict[str, str], ...]) -> str:
    """The chat template, for those who have no Jinja."""
    return "<s>" + "".join(f"<|{m['role']}|>{m['content']}<|end|>" for m in messages) + "<|assistant|>"


class Model:
    """The exported model, greedy, on one core."""

    def __init__(self, folder: Path = MODEL, threads: int = 1) -> None:
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.generator = ctranslate2.Generator(str(folder / "ct2"), intra_threads=threads, compute_type="float32")

    def answers(self, samples: list[world.Sample], limit: int = 160) -> list[Answer]:
        """One answer a sample, at most ``limit`` tokens long."""
        prompts = [self.tokenizer.encode(render(s.messages), add_special_tokens=False).tokens for s in samples]
        results = self.generator.generate_batch(
            prompts, max_batch_size=32, max_length=limit, sampling_topk=1, end_token="<|end|>",
            include_prompt_in_result=False, return_scores=True,
        )  # fmt: skip
        return [Answer(self.tokenizer.decode(r.sequences_ids[0]), math.exp(min(0.0, r.scores[0]))) for r in results]


@dataclass(frozen=True)
class Score:
    """Right answers of one task, and every (confidence, right) pair."""

    task: str
    n: int
    right: int
    pairs: tuple[tuple[float, bool], ...]

    @property
    def rate(self) -> float:
        """Share of right answers."""
        return self.right / self.n


def accuracy(model: Model, task: str, n: int, seed: int) -> Score:
    """Accuracy on ``n`` held-out samples of one task."""
    samples = world.held_out(task, n, seed)
    given = model.answers(samples)
    pairs = tuple((answer.confidence, answer.text == sample.expected) for answer, sample in zip(given, samples, strict=True))
    return Score(task, n, sum(right for _, right in pairs), pairs)


def calibration_error(pairs: list[tuple[float, bool]], bins: int = 10) -> float:
    """Expected calibration error over equal-width bins (Naeini et al. 2015)."""
    error = 0.0
    for index in range(bins):
        inside = [pair for pair in pairs if index == min(bins - 1, int(pair[0] * bins))]
        error += abs(sum(confidence - right for confidence, right in inside)) / len(pairs)
    return error


def document(scores: list[Score], seed: int) -> dict[str, object]:
    """All figures, for the card and for machines."""
    pairs = [pair for score in scores for pair in score.pairs]
    return {
        "seed": seed,
        "n": len(pairs),
        "accuracy": round(sum(right for _, right in pairs) / len(pairs), 4),
        "calibration_error": round(calibration_error(pairs), 4),
        "tasks": {score.task: {"n": score.n, "right": score.right, "accuracy": round(score.rate, 4)} for score in scores},
    }


def table(figures: dict) -> str:
    """The figures as Markdown."""
    lines = ["| task | n | right | accuracy |", "| --- | ---: | ---: | ---: |"]
    lines += [f"| {task} | {row['n']} | {row['right']} | {row['accuracy']:.1%} |" for task, row in figures["tasks"].items()]
    right = sum(row["right"] for row in figures["tasks"].values())
    lines.append(f"| **all** | {figures['n']} | {right} | **{figures['accuracy']:.1%}** |")
    lines += ["", f"Expected calibration error of the confidence, ten bins: {figures['calibration_error']:.4f} (seed {figures['seed']})."]
    return "\n".join(lines)


def write(figures: dict, folder: Path = MODEL) -> None:
    """Put the figures into the model's directory and into its card."""
    (folder / "evaluation.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    card = folder / "README.md"
    if card.exists():
        block = re.compile(f"{MARKS[0]}.*{MARKS[1]}", re.DOTALL)
        new = f"{MARKS[0]}\n{table(figures)}\n{MARKS[1]}"
        card.write_text(block.sub(lambda _: new, card.read_text(encoding="utf-8")), encoding="utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=300, help="samples of each task")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--write", action="store_true", help="update evaluation.json and the card")
    parser.add_argument("--wrong", type=int, default=0, help="wrong answers of each task to print")
    chosen = parser.parse_args()
    model = Model(chosen.model, threads=2)
    figures = document([accuracy(model, task, chosen.each, chosen.seed) for task in world.TASKS], chosen.seed)
    print(table(figures))
    if chosen.write:
        write(figures, chosen.model)


if __name__ == "__main__":
    main()
