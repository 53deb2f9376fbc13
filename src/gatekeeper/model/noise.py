"""What a release differs from itself by: the noise under every comparison."""

from __future__ import annotations

from gatekeeper.model.base import Digest, Frozen


class Flips(Frozen):
    """How often the same sample was scored differently the second time."""

    what: str
    """A scorer, or `resolved`, `status` or `answer` (the text to the letter)."""
    pairs: int
    flips: int
    same_answer: int
    """Pairs with the same answers to the letter."""
    same_answer_flips: int
    """Of those: what answers cannot explain, so that the scorer itself disagrees."""


class RuleNoise(Frozen):
    """What a rule sees where nothing has changed.

    `difference` is the second time against the first, in the unit of a relative rule; `low` and
    `high` are one-sided bounds. A rule that compares has an outcome: anything but a pass would
    have blocked a release that is its own baseline.
    """

    rule: str
    metric: str
    unit: str = ""
    first: float | None = None
    second: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    outcome: str | None = None
    reason: str = ""


class Noise(Frozen):
    """The report of an A/A run."""

    release: Digest
    release_name: str
    run: str
    flips: tuple[Flips, ...]
    rules: tuple[RuleNoise, ...]
    determinism: dict[str, str]
