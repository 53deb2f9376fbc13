"""Which samples of a set are asked, where not all are: pure, and the same for the same seed."""

from __future__ import annotations

import random
from array import array
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def sharded(numbers: Sequence[int], index: int, count: int) -> Sequence[int]:
    """Part `index` (from 1) of `count` of the samples: every sample is in one part."""
    return numbers if count == 1 else array("Q", numbers[index - 1 :: count])


def stratified(groups: Sequence[str | None], limit: int, seed: int) -> Sequence[int]:
    """At most `limit` samples, every group with its share (largest remainder), in their order.

    Args:
        groups: The stratum of each sample: of its set's strata, or else its cluster.
        limit: How many to take.
        seed: Of the choice within a group.
    """
    if limit >= len(groups):
        return range(len(groups))
    members: defaultdict[str, list[int]] = defaultdict(list)
    for number, group in enumerate(groups):
        members[group or ""].append(number)
    rng = random.Random(f"limit/{seed}")  # noqa: S311 - a choice, not a secret
    chosen: list[int] = []
    for name, count in _quotas({name: len(found) for name, found in members.items()}, limit):
        chosen += rng.sample(members[name], count)
    return array("Q", sorted(chosen))


def _quotas(sizes: dict[str, int], limit: int) -> Iterator[tuple[str, int]]:
    total = sum(sizes.values())
    exact = {name: limit * size / total for name, size in sizes.items()}
    counts = {name: int(value) for name, value in exact.items()}
    left = limit - sum(counts.values())
    order = sorted(sizes, key=lambda name: (counts[name] - exact[name], name))
    for name in order[:left]:
        counts[name] += 1
    return iter(sorted(counts.items()))
