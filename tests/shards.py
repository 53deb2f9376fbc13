"""A run in parts, as `gatekeeper evaluate --shard i/n` leaves them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from builders_runs import Behaviour, describe, rows_of
from gatekeeper.adapters.records import RunRecords
from gatekeeper.adapters.runs import seal
from gatekeeper.model.record import RequestRow
from gatekeeper.model.run import Run, RunOptions, Shard, Spend

if TYPE_CHECKING:
    from pathlib import Path

SIZES = {"quality": 60, "safety": 31, "load": 20}


def part_of(whole: Run, index: int, count: int, **changes: Any) -> Run:
    """What `run.json` says of a shard: every `count`-th sample of each set."""
    sets = tuple(
        used.model_copy(
            update={"samples": len(range(index - 1, used.samples, count)), "of": used.samples}
        )
        for used in whole.sets
    )
    changed = {
        "id": f"20261120-12000{index}-abcdef",
        "sets": sets,
        "options": RunOptions(shard=Shard(index=index, count=count)),
        "partial": (f"shard {index} of {count}",),
        "spend": Spend(nano_usd=100 * index, tokens=10, repeated=index),
        **changes,
    }
    return whole.model_copy(update=changed)


def make_shards(
    root: Path, count: int, candidate: Behaviour | None = None, whole: Run | None = None
) -> list[Path]:
    """The sealed shards of a run; their records together are those of `make_run`."""
    whole = whole or describe(SIZES)
    directories = []
    for index in range(1, count + 1):
        directory = root / f"shard{index}"
        numbers: Counter[tuple[str, str]] = Counter()
        with RunRecords(directory) as records:
            for rows in rows_of(whole, candidate or Behaviour()):
                first = rows[0]
                assert isinstance(first, RequestRow)
                key = (first.release, first.suite or "")
                if numbers[key] % count == index - 1:
                    records.write(rows)
                numbers[key] += 1
        seal(directory, part_of(whole, index, count))
        directories.append(directory)
    return directories
