"""Held-out accuracy of the exported model, measured through CTranslate2.

    python models/training/evaluate.py --each 300 --write

Needs ``ctranslate2`` and ``tokenizers`` only. An answer is right if it is the expected text,
character for character. Confidence is the geometric mean of the probabilities of its tokens.
"""

from __future__ import annotations

import argparse
import math
import re
from dataclasses import dataclass
from pathlib import Path

import ctranslate2
import world
from tokenizers import Tokenizer

MODEL = Path(__file__).resolve().parents[1] / "support-desk"
SEED = 20261121
END = "<|end|>"
MARKS = ("<!-- accuracy:begin -->", "<!-- accuracy:end -->")


@dataclass(frozen=True)
class Answer:
    """What the model said and how sure it was, from 0 to 1."""

    text: str
    confidence: float


def render(messages: tuple[dict[str, str], ...]) -> str:
    """The chat template, for those who have no Jinja."""
    tags = {role: f"<|{role}|>" for role in ("system", "user")} | {"assistant": "<|assistant|> "}
    told = (f"{tags[message['role']]}{message['content']}<|end|>" for message in messages)
    return f"<s>{''.join(told)}<|assistant|>"


class Model:
    """The exported model, greedy, on one core."""

    def __init__(self, folder: Path = MODEL, threads: int = 1) -> None:
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.generator = ctranslate2.Generator(
            str(folder / "ct2"), intra_threads=threads, compute_type="float32"
        )

    def answers(self, samples: list[world.Sample], limit: int = 160) -> list[Answer]:
        """One answer a sample, at most ``limit`` tokens long."""
        texts = (render(sample.messages) for sample in samples)
        prompts = [self.tokenizer.encode(text, add_special_tokens=False).tokens for text in texts]
        results = self.generator.generate_batch(
            prompts, max_batch_size=32, max_length=limit, sampling_topk=1, end_token=END,
            include_prompt_in_result=False, return_scores=True,
        )  # fmt: skip
        return [
            Answer(
                self.tokenizer.decode(result.sequences_ids[0]).strip(),
                math.exp(min(0.0, result.scores[0])),
            )
            for result in results
        ]


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
    pairs = tuple(
        (answer.confidence, answer.text == sample.expected)
        for answer, sample in zip(given, samples, strict=True)
    )
    return Score(task, n, sum(right for _, right in pairs), pairs)


def calibration_error(pairs: list[tuple[float, bool]], bins: int = 10) -> float:
    """Expected calibration error over equal-width bins (Naeini et al. 2015)."""
    error = 0.0
    for index in range(bins):
        inside = [pair for pair in pairs if index == min(bins - 1, int(pair[0] * bins))]
        error += abs(sum(confidence - right for confidence, right in inside)) / len(pairs)
    return error


def table(scores: list[Score], seed: int) -> str:
    """All figures as Markdown."""
    lines = ["| task | n | right | accuracy |", "| --- | ---: | ---: | ---: |"]
    lines += [
        f"| {score.task} | {score.n} | {score.right} | {score.rate:.1%} |" for score in scores
    ]
    pairs = [pair for score in scores for pair in score.pairs]
    right = sum(score.right for score in scores)
    lines.append(f"| **all** | {len(pairs)} | {right} | **{right / len(pairs):.1%}** |")
    error = f"{calibration_error(pairs):.4f} (seed {seed})"
    return "\n".join(
        [*lines, "", f"Expected calibration error of the confidence, ten bins: {error}."]
    )


def write(figures: str, card: Path) -> None:
    """Put the figures into the model's card."""
    block = re.compile(f"{MARKS[0]}.*{MARKS[1]}", re.DOTALL)
    new = f"{MARKS[0]}\n{figures}\n{MARKS[1]}"
    card.write_text(block.sub(lambda _: new, card.read_text(encoding="utf-8")), encoding="utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=300, help="samples of each task")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="update the model's card")
    chosen = parser.parse_args()
    model = Model(chosen.model, threads=chosen.threads)
    scores = [accuracy(model, task, chosen.each, chosen.seed) for task in world.TASKS]
    figures = table(scores, chosen.seed)
    print(figures)
    if chosen.write:
        write(figures, chosen.model / "README.md")


if __name__ == "__main__":
    main()
