"""May these parts of a run be put together? Every reason why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.core.canonical import short
from gatekeeper.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gatekeeper.model.run import Run, Shard

PROCESSOR: Final = "cpu"
"""In the fingerprint of an engine: machines of one pool differ in it."""


def _served(run: Run) -> dict[str, dict[str, str]]:
    """Fingerprints without the processor."""
    return {
        model: {key: told for key, told in found.items() if key != PROCESSOR}
        for model, found in run.engines.items()
    }


_SAME: Final[dict[str, Callable[[Run], Any]]] = {
    "candidate": lambda run: run.candidate.digest,
    "baseline": lambda run: run.baseline and run.baseline.digest,
    "first release": lambda run: run.first_release,
    "suites of the baseline": lambda run: sorted(run.baseline_suites),
    "seed": lambda run: run.seed,
    "price book": lambda run: run.price_book,
    "engines": _served,
    "environment": lambda run: run.options.environment,
    "limit": lambda run: run.options.limit,
    "run against itself": lambda run: run.options.aa,
}
"""What has to be the same in all parts."""


@dataclass(frozen=True, slots=True)
class Part:
    """One shard of a run, and what to call it in an error."""

    where: str
    run: Run

    @property
    def shard(self) -> Shard | None:
        """Which part it is; None where the run is not part of one."""
        return self.run.options.shard


def unmergeable(parts: Sequence[Part]) -> list[Problem]:
    """Every reason why these are not the parts of one run; none where they are."""
    return [*_unfit(parts), *_missing(parts), *_different(parts), *_incomplete(parts)]


def in_order(parts: Sequence[Part]) -> list[Part]:
    """Parts by the number of their shard."""
    return sorted(parts, key=lambda part: part.shard.index if part.shard else 0)


def _unfit(parts: Sequence[Part]) -> Iterator[Problem]:
    """Parts that cannot be part of anything."""
    if len(parts) < 2:  # noqa: PLR2004 - one part is no whole
        yield Problem(f"{len(parts)} part cannot be merged", accepted="two or more runs")
    for part in parts:
        run = part.run
        if run.status != "complete":
            yield Problem(f"the run is {run.status}", part.where, accepted="a complete run")
        elif not run.files or run.ended is None:
            yield Problem("the run is not sealed", part.where, accepted="a sealed run")
        if run.source is not None:
            yield Problem("the run was imported", part.where, accepted="a run of `evaluate`")
        if part.shard is None:
            yield Problem(
                "the run is not part of one", part.where, accepted="a run with --shard i/n"
            )


def _missing(parts: Sequence[Part]) -> Iterator[Problem]:
    """Shards that are absent, there twice, or of another division."""
    shards = [(part.where, part.shard) for part in parts if part.shard is not None]
    counts = {shard.count for _, shard in shards}
    if len(counts) > 1:
        listed = ", ".join(f"{where} is of {shard.count}" for where, shard in shards)
        yield Problem(f"the runs are not divided alike: {listed}", accepted="shards of one number")
    elif counts:
        found: dict[int, list[str]] = {}
        for where, shard in shards:
            found.setdefault(shard.index, []).append(where)
        yield from _gaps(found, counts.pop())


def _gaps(found: Mapping[int, Sequence[str]], count: int) -> Iterator[Problem]:
    """What is wrong with the shards that were found, by number, where there should be `count`."""
    absent = [number for number in range(1, count + 1) if number not in found]
    if absent:
        yield Problem(f"shards that are missing: {_numbers(absent)} of {count}")
    strange = sorted(number for number in found if number > count)
    if strange:
        yield Problem(f"there is no shard {_numbers(strange)} of {count}")
    for number, names in sorted(found.items()):
        if len(names) > 1:
            yield Problem(f"shard {number} is there {len(names)} times: {', '.join(names)}")


def _different(parts: Sequence[Part]) -> Iterator[Problem]:
    """What differs and must not; compared with the first part."""
    if not parts:
        return
    first, *others = parts
    for other in others:
        for name, value in _SAME.items():
            mine, its = value(first.run), value(other.run)
            if mine != its:
                yield Problem(
                    f"the {name} is not that of {first.where}: {_said(its)}",
                    other.where,
                    accepted=_said(mine),
                )
        yield from _different_sets(first, other)


def _different_sets(first: Part, other: Part) -> Iterator[Problem]:
    mine = {used.name: used for used in first.run.sets}
    its = {used.name: used for used in other.run.sets}
    for name in sorted(mine.keys() ^ its.keys()):
        where, lacking = (first, other) if name in mine else (other, first)
        yield Problem(f"lacks the eval set {name!r} of {where.where}", lacking.where)
    for name in sorted(mine.keys() & its.keys()):
        a, b = mine[name], its[name]
        if (a.digest, a.suite, a.replicates, a.of) != (b.digest, b.suite, b.replicates, b.of):
            yield Problem(
                f"the eval set {name!r} is not that of {first.where}: "
                f"{short(b.digest)}, {b.replicates} replicates, {b.of} samples in all",
                other.where,
                accepted=f"{short(a.digest)}, {a.replicates} replicates, {a.of} samples in all",
            )


def _incomplete(parts: Sequence[Part]) -> Iterator[Problem]:
    """Sets whose samples do not add up, where all shards are there and alike."""
    if not parts or any(True for _ in (*_missing(parts), *_different(parts))):
        return
    for used in parts[0].run.sets:
        total = sum(one.samples for part in parts for one in part.run.sets if one.name == used.name)
        if used.of is None:
            yield Problem(f"nothing says how many samples the eval set {used.name!r} has in all")
        elif total > used.of or (total < used.of and parts[0].run.options.limit is None):
            yield Problem(
                f"the parts of {used.name!r} have {total:,} samples together",
                accepted=f"{used.of:,}",
            )


def _numbers(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def _said(value: Any) -> str:
    if isinstance(value, str) and value.startswith("sha256:"):
        return short(value)
    if isinstance(value, dict):
        return "; ".join(
            f"{model}: " + ", ".join(f"{key} {fact}" for key, fact in sorted(facts.items()))
            for model, facts in sorted(value.items())
        )
    return "none" if value in (None, []) else str(value)
