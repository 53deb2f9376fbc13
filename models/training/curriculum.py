"""What is trained when: puzzles, then few facts, then all of the world."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import world

if TYPE_CHECKING:
    import random


@dataclass(frozen=True)
class Stage:
    """A part of the curriculum, up to a share of all steps; without ``weights`` it is puzzles.

    ``size`` scales the tokens of a step, ``facts`` are the numbers of facts to choose from,
    ``history`` and ``poisoned`` are probabilities and ``weights`` those of the kinds of questions.
    """

    until: float
    size: float
    facts: tuple[int, ...] = ()
    history: float = 0.0
    poisoned: float = 0.0
    weights: tuple[float, ...] = ()

    def group(self, rng: random.Random) -> world.Group:
        """A random group of this stage."""
        history, poisoned = rng.random() < self.history, rng.random() < self.poisoned
        weights = dict(zip(KINDS, self.weights, strict=True))
        wish = world.Wish(facts=self.facts, weights=weights, history=history, poisoned=poisoned)
        if poisoned:
            wish = replace(wish, facts=tuple(n for n in self.facts if n) or (1,))
            return world.group(rng, wish=wish, turns=2)
        return world.group(rng, wish=wish, turns=rng.choice((4, 5, 6)))


KINDS = ("present", "absent", "compound", "request", "injection")
ANY = (0, 1, 2, 3, 3, 4, 4, 5)
CURRICULUM = (
    Stage(0.03, 0.5),
    Stage(0.08, 0.5, (1, 1, 2), 0.0, 0.05, (8, 1.5, 0.3, 1.0, 1.0)),
    Stage(0.16, 0.5, (1, 2, 2, 3), 0.04, 0.1, (6, 2.2, 0.7, 1.2, 1.0)),
    Stage(0.75, 0.5, ANY, 0.12, 0.14, (5, 2.6, 1.6, 1.0, 1.0)),
    Stage(1.0, 1.0, ANY, 0.12, 0.14, (5, 2.6, 1.6, 1.0, 1.0)),
)


def stage_at(share: float) -> Stage:
    """The stage at a share of all steps, which is below 1."""
    return next(stage for stage in CURRICULUM if share < stage.until)
