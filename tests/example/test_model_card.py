"""The model card's figures, recomputed on other held-out samples with the model that ships."""

import re
import sys
from pathlib import Path

import pytest
from scipy.stats import binom

ROOT = Path(__file__).parents[2]
CARD = ROOT / "models/support-desk/README.md"
EACH = 40
SEED = 99
UNLIKELY = 1e-4
"""Chance at which a task that is as good as the card says is called worse."""


@pytest.fixture(scope="module")
def recipe():
    """The evaluation that comes with the training recipe."""
    sys.path.insert(0, str(ROOT / "models/training"))
    try:
        import evaluate
        import world
    finally:
        del sys.path[0]
    return evaluate, world


@pytest.fixture(scope="module")
def card():
    """Samples and right answers of each task, as the card has them."""
    rows = re.findall(r"^\| ([a-z_]+) \| (\d+) \| (\d+) \|", CARD.read_text(), re.MULTILINE)
    return {task: (int(n), int(right)) for task, n, right in rows}


def test_the_card_tells_of_every_task(recipe, card):
    _, world = recipe
    assert set(card) >= set(world.TASKS)
    assert all(n >= 100 for task, (n, _) in card.items() if task in world.TASKS)


def test_the_model_does_what_its_card_says(recipe, card):
    evaluate, world = recipe
    model = evaluate.Model()
    worse = {}
    for task in world.TASKS:
        score = evaluate.accuracy(model, task, EACH, SEED)
        n, right = card[task]
        if binom.cdf(score.right, EACH, (right + 1) / (n + 2)) < UNLIKELY:
            worse[task] = (score.right, EACH, right / n)
    assert worse == {}
